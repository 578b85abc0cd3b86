/** Promote and rollback: what they would do, and doing it. */
import { Fault, isFault, publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { SwitchPath } from "../../internal/deployments/gates.ts";
import type { StartOrder, SwitchOutcome } from "../../internal/workflows/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { planPromote, planRollback, type RollbackRequest, type SwitchPlan } from "./switch_plan.ts";

/** How traffic moved. */
export interface Switched {
  readonly projectSlug: string;
  readonly environmentSlug: string;
  /** Empty: nothing was live. */
  readonly fromId: string;
  readonly toId: string;
  readonly path: SwitchPath;
  readonly rolledBack: boolean;
  readonly hostnames: readonly string[];
  readonly tookMs: number;
}

/** A deployment can stop or start between the look and the act; then another path is taken. */
const ROUNDS_MAX = 4;

/**
 * Moves live traffic of the target's environment to it; returns when it has moved. A target that does not run is started
 * first, which can take minutes; a deploy or another switch can happen meanwhile.
 *
 * @throws the gate's refusal, `failed_precondition` when the target does not come to run
 */
export async function promote(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  targetId: string,
  signal: AbortSignal,
): Promise<Switched> {
  return await perform(deps, caller, () => planPromote(deps, caller, targetId), signal);
}

/** Moves live traffic back. @throws as `promote` */
export async function rollback(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RollbackRequest,
  signal: AbortSignal,
): Promise<Switched> {
  // Which deployments are meant is decided once: after the switch, the live one and the one before it are others.
  const { source, target } = await planRollback(deps, caller, request);
  const settled = { ...request, sourceId: source?.id ?? "", targetId: target.id };
  return await perform(deps, caller, () => planRollback(deps, caller, settled), signal);
}

async function perform(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  look: () => Promise<SwitchPlan>,
  signal: AbortSignal,
): Promise<Switched> {
  const { clock, events } = deps;
  const startedAtMs = clock.now();
  let plan = await look();
  for (let round = 1;; round++) {
    const outcome = await act(deps, caller, plan, signal);
    if (outcome.kind === "moved") {
      events.changed();
      const { previousDeploymentId: fromId, hostnames } = outcome.switched;
      const { target, path, rolledBack } = plan;
      const { projectSlug, environmentSlug } = target;
      const tookMs = clock.now() - startedAtMs;
      return { projectSlug, environmentSlug, fromId, toId: target.id, path, rolledBack, hostnames, tookMs };
    }
    const before = plan.path;
    plan = await look();
    if (round >= ROUNDS_MAX || (plan.path === before && outcome.refusal !== undefined)) {
      throw outcome.refusal ??
        publicFault("unavailable", `${plan.target.id} is being started over and over. Try again.`);
    }
  }
}

type Act =
  | { readonly kind: "moved"; readonly switched: SwitchOutcome }
  /** Look again: it was refused because something has changed, or somebody else's start has ended. */
  | { readonly kind: "look_again"; readonly refusal?: Fault };

async function act(
  { workflows, clock }: DeploymentDeps,
  caller: RootKeyPrincipal,
  plan: SwitchPlan,
  signal: AbortSignal,
): Promise<Act> {
  const actor = actorOf(caller);
  const environmentId = parseId("environment", "environment_id", plan.environment.id);
  const { target: { id: targetDeploymentId }, source, cancels } = plan;
  if (plan.path === "instant") {
    try {
      const switched = source === undefined
        ? await workflows.promote(environmentId, { targetDeploymentId, actor }, signal)
        : await workflows.rollback(
          environmentId,
          { sourceDeploymentId: source.id, targetDeploymentId, cancels, actor },
          signal,
        );
      return { kind: "moved", switched };
    } catch (error) {
      if (isFault(error, "failed_precondition")) return { kind: "look_again", refusal: error };
      throw error;
    }
  }
  const then: StartOrder["then"] = source === undefined
    ? { kind: "promote" }
    : { kind: "rollback", sourceDeploymentId: source.id, cancels };
  const order = { deploymentId: targetDeploymentId, environmentId, then, actor };
  const outcome = await workflows.start(newId("start", clock.now()), order, signal);
  switch (outcome.kind) {
    case "switched":
      return { kind: "moved", switched: outcome.switched };
    case "busy":
      await workflows.awaitStart(parseId("start", "start_id", outcome.startId), signal);
      return { kind: "look_again" };
    case "refused":
      return { kind: "look_again", refusal: publicFault(outcome.refusal.code, outcome.refusal.message) };
    default:
      throw notStarted(targetDeploymentId, outcome);
  }
}

/** The fault of a start that did not come to its end. */
export function notStarted(
  id: string,
  outcome: { readonly kind: string; readonly message?: string },
): Fault {
  switch (outcome.kind) {
    case "failed":
      return publicFault(
        "failed_precondition",
        `Deployment ${id} did not start again; nothing else was changed. ${outcome.message ?? ""}`.trim(),
      );
    case "cancelled":
      return publicFault("cancelled", `The start of deployment ${id} was cancelled; nothing was changed.`);
    default:
      return publicFault(
        "failed_precondition",
        `Deployment ${id} was ended by somebody else while it started; nothing else was changed.`,
      );
  }
}
