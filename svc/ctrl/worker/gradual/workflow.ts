/** The order of a gradual switch. Each handler has its gradual switch to itself. */
import { type DurableObject, target } from "../../../../pkg/durable/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { GradualAct, GradualOrder } from "../../internal/workflows/messages.ts";
import { routingKey, RoutingService } from "../routing/contract.ts";
import { gradualKey, GradualSwitchService, type LookRequest } from "./contract.ts";
import { LOOK_MS } from "./plan.ts";
import type { EndOrder, GradualSteps, Lost, Running } from "./types.ts";

export interface GradualWorkflowDeps {
  readonly steps: GradualSteps;
}

const CHAIN = "chain";
const FIRST_LOOK_MS = 1_000;

/** Gives the new version its first share of the requests, and begins to look at it. @throws the gate's refusal */
export async function begin(
  durable: DurableObject,
  deps: GradualWorkflowDeps,
  order: GradualOrder,
): Promise<void> {
  await durable.run("begin gradual switch", () => deps.steps.begin(durable.key, order));
  await watch(durable, deps);
}

/** Begins a new chain of looks; one that is under way ends with its next look. */
export async function watch(durable: DurableObject, { steps }: GradualWorkflowDeps): Promise<void> {
  const chainId = await durable.run("name chain of looks", () => steps.newChain());
  durable.set(CHAIN, chainId);
  await lookAgain(durable, chainId, FIRST_LOOK_MS);
}

/** Looks at the evidence, acts on it, and orders the next look, also when this one fails. */
export async function look(
  durable: DurableObject,
  deps: GradualWorkflowDeps,
  { chainId }: LookRequest,
): Promise<void> {
  if (await durable.get<string>(CHAIN) !== chainId) return;
  try {
    const delayMs = await lookOnce(durable, deps);
    if (delayMs === undefined) durable.clear(CHAIN);
    else await lookAgain(durable, chainId, delayMs);
  } catch (error) {
    if (error instanceof Fault) await lookAgain(durable, chainId, LOOK_MS);
    throw error;
  }
}

/** The time until the next look; `undefined`: it has ended. */
async function lookOnce(durable: DurableObject, deps: GradualWorkflowDeps): Promise<number | undefined> {
  const { steps } = deps;
  const found = await durable.run("look at evidence", () => steps.look(durable.key));
  switch (found.kind) {
    case "wait":
      return found.delayMs;
    case "advance":
      return await forward(durable, deps, found.running) ? undefined : LOOK_MS;
    case "abort": {
      const actor = { kind: "system", name: "gradual switch" } as const;
      await giveUp(durable, deps, found.running, { state: "aborted", reason: found.reason, actor });
      return undefined;
    }
    case "settle":
      await durable.run("settle gradual switch", () => steps.settle(durable.key, undefined));
      return undefined;
    case "ended":
      // An end that failed after its commit did not come to this.
      if (found.lost !== undefined) await retire(durable, found.lost);
      return undefined;
  }
}

/** Goes on to the next step on a person's order. @throws `failed_precondition` when it has ended, or the gate's refusal */
export async function advance(
  durable: DurableObject,
  { steps }: GradualWorkflowDeps,
  { actor }: GradualAct,
): Promise<void> {
  const running = await requireRunning(durable, steps);
  if (!isLast(running)) {
    return await durable.run("go to next step", () => steps.advance(running, actor));
  }
  await promote(durable, { ...running, actor });
  await durable.run("settle gradual switch", () => steps.settle(durable.key, undefined));
  durable.clear(CHAIN);
}

/** Gives all requests back to the live version on a person's order. @throws `failed_precondition` when it has ended */
export async function abort(
  durable: DurableObject,
  deps: GradualWorkflowDeps,
  { actor }: GradualAct,
): Promise<void> {
  const running = await requireRunning(durable, deps.steps);
  const reason = actor.kind === "root_key" ? `The key "${actor.name}" ended it.` : "It was ended by request.";
  await giveUp(durable, deps, running, { state: "cancelled", reason, actor });
  durable.clear(CHAIN);
}

/** True: it has ended. */
async function forward(
  durable: DurableObject,
  { steps }: GradualWorkflowDeps,
  running: Running,
): Promise<boolean> {
  if (!isLast(running)) {
    await durable.run("go to next step", () => steps.advance(running, running.actor));
    return false;
  }
  let refusal: string | undefined;
  try {
    await promote(durable, running);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code !== "failed_precondition" && error.code !== "invalid_argument") throw error;
    refusal = error.publicMessage ?? error.message;
  }
  await durable.run("settle gradual switch", () => steps.settle(durable.key, refusal));
  if (refusal !== undefined) await retire(durable, running);
  return true;
}

function isLast({ step, steps }: Running): boolean {
  return step + 1 >= steps;
}

async function promote(
  durable: DurableObject,
  { id, environmentId, deploymentId, actor }: Running,
): Promise<void> {
  const order = { targetDeploymentId: deploymentId, gradualSwitchId: id, actor };
  await durable.call(target(RoutingService, "promote", routingKey(environmentId)), order);
}

async function giveUp(
  durable: DurableObject,
  { steps }: GradualWorkflowDeps,
  running: Running,
  end: EndOrder,
): Promise<void> {
  await durable.run("end gradual switch", () => steps.end(durable.key, end));
  await retire(durable, running);
}

/** The version that lost its share is stopped like any other that lost its traffic. */
async function retire(
  durable: DurableObject,
  { environmentId, deploymentId: displaced, formerDeploymentId: keep }: Lost,
): Promise<void> {
  await durable.send(target(RoutingService, "retire", routingKey(environmentId)), { displaced, keep });
}

async function requireRunning(durable: DurableObject, steps: GradualSteps): Promise<Running> {
  const found = await durable.run("find gradual switch", () => steps.find(durable.key));
  if (found.kind === "running") return found.running;
  throw publicFault(
    "failed_precondition",
    `The gradual switch ${durable.key} has ended: it is ${found.state}.`,
  );
}

async function lookAgain(durable: DurableObject, chainId: string, delayMs: number): Promise<void> {
  const again = target(GradualSwitchService, "look", gradualKey(durable.key));
  await durable.send(again, { chainId }, { delayMs });
}
