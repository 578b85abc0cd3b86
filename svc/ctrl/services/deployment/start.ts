import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId, parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { ProjectAction } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { startRefusal } from "../../internal/deployments/gates.ts";
import { findStart } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { notStarted } from "./switch.ts";

export interface Started {
  readonly hostnames: readonly string[];
  readonly tookMs: number;
}

/** After another caller's start has ended, the deployment runs or is started again. */
const ROUNDS_MAX = 3;

/**
 * Starts a stopped deployment wherever it ran before and returns when it runs, which can take minutes. No traffic moves:
 * it answers at the names that it has. A running deployment is left alone.
 *
 * @throws `failed_precondition` with the reason when there is nothing to start, or it does not come to run
 */
export async function startDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  deploymentId: string,
  signal: AbortSignal,
): Promise<Started> {
  return await startFor(deps, caller, { deploymentId, action: "start_deployment" }, signal);
}

/** The same as a part of what the caller may do. */
export async function startFor(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { deploymentId, action }: { readonly deploymentId: string; readonly action: ProjectAction },
  signal: AbortSignal,
): Promise<Started> {
  const { db, clock, workflows, events } = deps;
  const startedAtMs = clock.now();
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const deployment = await requireDeployment(deps, caller, { id: deploymentId, action });
    const { id, status, hostnames, runningInstances } = deployment;
    if (status === "ready" && runningInstances > 0) return { hostnames, tookMs: clock.now() - startedAtMs };
    const underWay = await findStart(db.kysely, id);
    if (underWay !== undefined) {
      await workflows.awaitStart(parseId("start", "start_id", underWay), signal);
      continue;
    }
    const refusal = startRefusal(deployment);
    if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
    const outcome = await workflows.start(newId("start", startedAtMs), {
      deploymentId: id,
      environmentId: deployment.environmentId,
      then: { kind: "nothing" },
      actor: actorOf(caller),
    }, signal);
    events.changed();
    if (outcome.kind === "started") return { hostnames, tookMs: clock.now() - startedAtMs };
    if (outcome.kind === "refused") throw publicFault(outcome.refusal.code, outcome.refusal.message);
    if (outcome.kind !== "busy") throw notStarted(id, outcome);
  }
  throw publicFault("unavailable", `Deployment ${deploymentId} is being started over and over. Try again.`);
}
