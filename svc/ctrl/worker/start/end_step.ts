/** The end of a start: the deployment is ready, or as it was before. */
import { stopNote } from "../../internal/deployments/stop_note.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import {
  announceRoutes,
  appendLogLines,
  clearCancel,
  EDGE_REGION,
  endStep,
  findStart,
  isStartCold,
  listRoutesOfDeployment,
  listServed,
  lockDeployment,
  lockEnvironment,
  lockTopology,
  moveStatus,
  placeOf,
  recordAudit,
  releaseStart,
  stopTopology,
  type Tx,
} from "../../internal/store/mod.ts";
import type { Finished, StartCall, StartDeps, Undoing } from "./types.ts";

/**
 * Makes the deployment ready, unless a cancel was noted before; a start that moves no traffic ends here, and is in the
 * audit log.
 */
export async function finishInTransaction(
  tx: Tx,
  { edgeUrl }: StartDeps,
  { startId, order, nowMs }: StartCall,
): Promise<Finished> {
  const { deploymentId, environmentId } = order;
  const deployment = await lockDeployment(tx, deploymentId);
  const hostnames = (await listRoutesOfDeployment(tx, deploymentId)).map((route) => route.hostname);
  const finished = { kind: "finished", hostnames } as const;
  // An earlier run of this very step committed and was not recorded.
  if (deployment === undefined || await findStart(tx, deploymentId) !== startId) return finished;
  if (deployment.status === "deploying") {
    if (deployment.cancel_requested_at !== null) return { kind: "cancelled" };
    await endStep(tx, { deploymentId, name: "deploying", status: "done", nowMs });
    const urls = hostnames.map((hostname) => urlOf(edgeUrl, hostname));
    await moveStatus(tx, { id: deploymentId, from: ["deploying"], to: "ready", nowMs, urls });
  }
  if (order.then.kind !== "nothing") return finished;
  await releaseStart(tx, deploymentId, startId);
  await recordAudit(tx, {
    workspaceId: deployment.workspace_id,
    actor: order.actor,
    action: "deployment.start",
    resource: { type: "deployment", id: deploymentId },
    projectId: deployment.project_id,
    environmentId,
    nowMs,
  });
  return finished;
}

/** Stops a deployment that was stopped before, and deletes the start. Returns the regions whose feeds changed. */
export async function undoInTransaction(
  tx: Tx,
  { startId, order, why, nowMs }: StartCall & { readonly why: Undoing },
): Promise<readonly string[]> {
  const { deploymentId, environmentId } = order;
  await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment === undefined || await findStart(tx, deploymentId) !== startId) return [];
  const cold = await isStartCold(tx, deploymentId);
  await releaseStart(tx, deploymentId, startId);
  // Only the start of a stopped deployment makes it `deploying`; a deployment that ran before goes on running.
  const ours = deployment.status === "deploying" || (cold && deployment.status === "ready");
  if (!ours) return [];
  // One that got ready and serves meanwhile goes on. A stopped preview keeps its names while its start breaks.
  if (deployment.status === "ready" && (await listServed(tx, placeOf(deployment))).length > 0) return [];
  const message = why.kind === "failed" ? why.failure.message : "The start was cancelled.";
  if (why.kind === "failed" && why.failure.details !== undefined) {
    const { source, origin, lines } = why.failure.details;
    await appendLogLines(tx, deploymentId, { source, origin, lines }, nowMs);
  }
  await endStep(tx, { deploymentId, name: "deploying", status: "failed", errorMessage: message, nowMs });
  await clearCancel(tx, deploymentId);
  // Last: readers of the events stop at a final status.
  const failure = why.kind === "failed" ? why.failure : { message };
  const stop = stopNote("start_failed", nowMs);
  await moveStatus(tx, {
    id: deploymentId,
    from: ["deploying", "ready"],
    to: "stopped",
    stop,
    nowMs,
    failure,
  });
  await lockTopology(tx, deploymentId);
  await announceRoutes(tx, deploymentId, nowMs);
  const stopped = await stopTopology(tx, { deploymentId, nowMs });
  return [EDGE_REGION, ...stopped.map((each) => each.region)];
}
