import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportDeploymentStatusRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { ACTIVE_STATUSES } from "../../internal/deployments/status.ts";
import {
  type DeploymentsTable,
  EDGE_REGION,
  findDeploymentByName,
  findStart,
  replaceReported,
} from "../../internal/store/mod.ts";
import type { ClusterDeps } from "./deps.ts";
import { checkReport } from "./report.ts";

const WAKE_MS_MAX = 5_000;

/**
 * Takes an agent's whole view of one deployment in its region, then wakes the deployment's workflow and the edges.
 *
 * A report about a deployment that does not exist, or that was never placed in the region, is a success that changes
 * nothing: an agent that still has an old container must not be stopped by it. So is a report older than the last, whose
 * generation is returned then.
 *
 * @throws `invalid_argument`
 */
export async function reportDeploymentStatus(
  deps: ClusterDeps,
  region: string,
  request: ReportDeploymentStatusRequest,
): Promise<number | undefined> {
  const { db, clock, notifier } = deps;
  const report = checkReport(request);
  if (report === undefined) return undefined;
  const deployment = await findDeploymentByName(db.kysely, report.k8sName);
  if (deployment === undefined) return undefined;
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
  if (outcome.kind !== "taken") return outcome.kind === "stale" ? outcome.newerGeneration : undefined;
  if (outcome.endpointsChanged) notifier.changed([EDGE_REGION]);
  if (outcome.changed) await wake(deps, deployment);
  return undefined;
}

/** The workflow looks again by itself, so a wake that is lost costs time and nothing else. */
async function wake(
  { db, workflows, log }: ClusterDeps,
  { id, status }: Pick<DeploymentsTable, "id" | "status">,
): Promise<void> {
  // A ready deployment whose instances were all missing can be waited for too.
  if (status !== "ready" && !ACTIVE_STATUSES.includes(status)) return;
  try {
    const limit = AbortSignal.timeout(WAKE_MS_MAX);
    const startId = await findStart(db.kysely, id);
    if (startId !== undefined) {
      await workflows.startChanged(parseId("start", "start_id", startId), limit);
    } else if (status !== "ready") {
      await workflows.instancesChanged(parseId("deployment", "deployment_id", id), limit);
    }
  } catch (error) {
    log.warn("workflow was not woken", { deployment_id: id, error: describeError(error) });
  }
}
