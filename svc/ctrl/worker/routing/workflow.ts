/** The order of moving traffic. Each handler has its environment to itself. */
import { type DurableObject, target } from "../../../../pkg/durable/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { StopByUserOrder, SwitchOutcome } from "../../internal/workflows/messages.ts";
import {
  type AssignOutcome,
  type EndUnusedRequest,
  routingKey,
  RoutingService,
  type StopOutcome,
  type StopRequest,
} from "./contract.ts";
import { planRetirements, type Retention, schedule, type Scheduled } from "./plan.ts";
import type { MoveOrder, RoutingSteps, StopTimes } from "./types.ts";

export interface RoutingWorkflowDeps {
  readonly steps: RoutingSteps;
  readonly retention: Retention;
}

/** The pointer has no other writer, so a second round is rare and a third is a bug. */
const ROUNDS_MAX = 5;
/** The delay of a stop when an edge is behind. */
const EDGES_RECHECK_MS = 1_000;

/** Gives a running deployment its names, and the environment's traffic if it is the newest. */
export async function assign(
  durable: DurableObject,
  deps: RoutingWorkflowDeps,
  deploymentId: string,
): Promise<AssignOutcome> {
  const { steps } = deps;
  const environmentId = durable.key;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const before = await durable.run(`read pointer, round ${round}`, () => steps.readPointer(environmentId));
    const done = await durable.run(
      `assign routes, round ${round}`,
      () => steps.assign(environmentId, deploymentId, before),
    );
    if (done.kind === "conflict") continue;
    if (done.kind !== "ready") return done;
    const displaced = done.live ? before.liveDeploymentId : undefined;
    await retire(durable, deps, { displaced, keep: deploymentId });
    return done;
  }
  throw contended();
}

/** Promotes, or rolls back, and answers when traffic has moved. */
export async function move(
  durable: DurableObject,
  deps: RoutingWorkflowDeps,
  order: MoveOrder,
): Promise<SwitchOutcome> {
  const { steps } = deps;
  const environmentId = durable.key;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const before = await durable.run(`read pointer, round ${round}`, () => steps.readPointer(environmentId));
    const done = await durable.run(
      `move traffic, round ${round}`,
      () => steps.move(environmentId, order, before),
    );
    if (done.kind === "conflict") continue;
    const previous = before.liveDeploymentId;
    await retire(durable, deps, {
      displaced: previous === order.targetDeploymentId ? undefined : previous,
      keep: order.targetDeploymentId,
    });
    return { previousDeploymentId: previous ?? "", hostnames: done.hostnames };
  }
  throw contended();
}

/**
 * Schedules the stop of every deployment of the environment that serves nothing.
 *
 * A schedule has its own id, and the object remembers the newest one of each deployment: one that was made before the
 * deployment served again, or was put off, finds another id there and does nothing.
 */
export async function retire(
  durable: DurableObject,
  { steps, retention }: RoutingWorkflowDeps,
  moved: { readonly displaced: string | undefined; readonly keep: string },
): Promise<void> {
  durable.clear(stopKey(moved.keep));
  const { idle, scheduleId, edgeVersion } = await durable.run(
    "list idle deployments",
    () => steps.listIdle(durable.key),
  );
  const nowMs = await durable.now();
  const stops: StopTimes["stops"][number][] = [];
  for (const retirement of planRetirements(idle, moved, retention)) {
    const { deploymentId } = retirement;
    const times = schedule(retirement, await durable.get<Scheduled>(stopKey(deploymentId)), nowMs);
    if (times === undefined) continue;
    const { dueAtMs } = times;
    durable.set(stopKey(deploymentId), { id: scheduleId, ...times });
    const request = { deploymentId, scheduleId, edgeVersion, edgesUntilMs: dueAtMs + retention.edgesMs };
    const delayMs = dueAtMs - nowMs;
    await durable.send(target(RoutingService, "stop", routingKey(durable.key)), request, { delayMs });
    stops.push({ deploymentId, dueAtMs });
  }
  await durable.run("note times of stops", () => steps.noteStops({ keep: moved.keep, stops }));
}

/**
 * Stops a deployment whose schedule is still the newest one, unless it serves again.
 *
 * While an edge that is alive has not said that it follows the switch, the stop is put off, but not for ever.
 */
export async function stop(
  durable: DurableObject,
  { steps }: RoutingWorkflowDeps,
  request: StopRequest,
): Promise<StopOutcome> {
  const { deploymentId, scheduleId, edgeVersion, edgesUntilMs } = request;
  if ((await durable.get<Scheduled>(stopKey(deploymentId)))?.id !== scheduleId) return { kind: "obsolete" };
  const behind = await durable.run("look at edges", () => steps.countEdgesBehind(edgeVersion));
  if (behind > 0 && await durable.now() < edgesUntilMs) {
    const again = target(RoutingService, "stop", routingKey(durable.key));
    await durable.send(again, request, { delayMs: EDGES_RECHECK_MS });
    return { kind: "waiting" };
  }
  const outcome = await durable.run("stop deployment", () => steps.stop(durable.key, deploymentId));
  durable.clear(stopKey(deploymentId));
  return outcome;
}

/** Stops a preview that got no request for longer than its environment allows. */
export async function endUnused(
  durable: DurableObject,
  { steps }: RoutingWorkflowDeps,
  request: EndUnusedRequest,
): Promise<StopOutcome> {
  const outcome = await durable.run("end unused deployment", () => steps.endUnused(durable.key, request));
  if (outcome.kind === "stopped") durable.clear(stopKey(request.deploymentId));
  return outcome;
}

/** Stops a deployment on a user's request. @throws `failed_precondition` when it serves, or does not run */
export async function stopByUser(
  durable: DurableObject,
  { steps }: RoutingWorkflowDeps,
  order: StopByUserOrder,
): Promise<void> {
  await durable.run("stop deployment for a user", () => steps.stopByUser(durable.key, order));
  durable.clear(stopKey(order.deploymentId));
}

function stopKey(deploymentId: string): string {
  return `stop:${deploymentId}`;
}

function contended(): Error {
  return publicFault("unavailable", "The environment's traffic is being moved by somebody else. Try again.");
}
