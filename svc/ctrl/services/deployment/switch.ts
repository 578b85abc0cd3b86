/** Moves traffic by a plan, over the workflows; promote and rollback differ in their plans only. */
import { Fault, isFault, publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { SwitchPath } from "../../internal/deployments/gates.ts";
import type { StartOrder, SwitchOutcome } from "../../internal/workflows/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import type { SwitchPlan } from "./switch_plan.ts";

/** A switch that was done. */
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

/** A deployment can stop or start between the plan and the act; then another path is taken. */
const ROUNDS_MAX = 4;

/**
 * Plans and acts. It plans again, with the last plan as a hint, only when the act was refused or another start ended:
 * the workflow asks the gates itself, so a second look before the act would find what the first found.
 */
export async function performSwitch(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  look: (before: SwitchPlan | undefined) => Promise<SwitchPlan>,
  signal: AbortSignal,
): Promise<Switched> {
  const { clock, events } = deps;
  const startedAtMs = clock.now();
  let plan = await look(undefined);
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
    plan = await look(plan);
    if (round >= ROUNDS_MAX || (plan.path === before && outcome.refusal !== undefined)) {
      throw outcome.refusal ??
        publicFault("unavailable", `${plan.target.id} is being started over and over. Try again.`);
    }
  }
}

type Act =
  | { readonly kind: "moved"; readonly switched: SwitchOutcome }
  /** It was refused because something has changed, or another caller's start has ended. */
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
