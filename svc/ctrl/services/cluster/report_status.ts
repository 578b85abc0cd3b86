import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportDeploymentStatusRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { ACTIVE_STATUSES } from "../../internal/deployments/status.ts";
import { EDGE_REGION, findDeploymentByName, replaceReported } from "../../internal/store/mod.ts";
import type { ClusterDeps } from "./deps.ts";
import { checkReport } from "./report.ts";

const WAKE_MS_MAX = 5_000;

/**
 * Takes an agent's whole view of one deployment in its region, then wakes the deployment's workflow and the edges.
 *
 * A report about a deployment that does not exist, or that was never placed in the region, is a success that changes
 * nothing: an agent that still has an old container must not be stopped by it. So is one that is older than the last.
 *
 * @throws `invalid_argument`
 */
export async function reportDeploymentStatus(
  deps: ClusterDeps,
  region: string,
  request: ReportDeploymentStatusRequest,
): Promise<void> {
  const { db, clock, notifier } = deps;
  const report = checkReport(request);
  if (report === undefined) return;
  const deployment = await findDeploymentByName(db.kysely, report.k8sName);
  if (deployment === undefined) return;
  const outcome = await transact(db, (tx) =>
    replaceReported(tx, {
      deploymentId: deployment.id,
      workspaceId: deployment.workspace_id,
      projectId: deployment.project_id,
      region,
      generation: report.generation,
      instances: report.instances,
      nowMs: clock.now(),
    }));
  if (outcome.kind !== "taken") return;
  if (outcome.endpointsChanged) notifier.changed([EDGE_REGION]);
  if (outcome.changed && ACTIVE_STATUSES.includes(deployment.status)) await wake(deps, deployment.id);
}

/** The workflow looks again by itself, so a wake that is lost costs time and nothing else. */
async function wake({ workflows, log }: ClusterDeps, id: string): Promise<void> {
  try {
    const deploymentId = parseId("deployment", "deployment_id", id);
    await workflows.instancesChanged(deploymentId, AbortSignal.timeout(WAKE_MS_MAX));
  } catch (error) {
    log.warn("workflow was not woken", { deployment_id: id, error: describeError(error) });
  }
}
