import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { cancelProblem, isCancellable } from "../../internal/deployments/gates.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { recordAudit, requestCancel } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/**
 * Asks a deployment's workflow to stop and undo itself. Repeating it is harmless; the status follows as an event.
 *
 * @throws `failed_precondition` for one that serves already, `unavailable` when the workflow cannot be reached (the wish
 * is noted all the same)
 */
export async function cancelDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  deploymentId: string,
  signal: AbortSignal,
): Promise<DeploymentStatus> {
  const { db, clock, workflows, events } = deps;
  const deployment = await requireDeployment(deps, caller, { id: deploymentId, action: "cancel_deployment" });
  const problem = cancelProblem(deployment);
  if (problem !== undefined) throw publicFault("failed_precondition", problem);
  if (!isCancellable(deployment.status)) return deployment.status;
  const id = parseId("deployment", "deployment_id", deployment.id);
  const nowMs = clock.now();
  await transact(db, async (tx) => {
    if (!await requestCancel(tx, { id, nowMs })) return;
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "deployment.cancel",
      resource: { type: "deployment", id },
      projectId: deployment.projectId,
      environmentId: deployment.environmentId,
      facts: { status: deployment.status },
      nowMs,
    });
  });
  // Submitting again is harmless, and without it the wish could arrive before the workflow.
  await workflows.submitDeploy(id, signal);
  await workflows.cancelDeploy(id, signal);
  events.changed();
  return deployment.status;
}
