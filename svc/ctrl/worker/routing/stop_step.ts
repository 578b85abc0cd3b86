/** Stopping a deployment that serves nothing any more, or that a user ends. */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { stopRefusal } from "../../internal/deployments/gates.ts";
import { branchGone, type StopNote, stopNote } from "../../internal/deployments/stop_note.ts";
import {
  announceRoutes,
  type AuditActor,
  type DeploymentsTable,
  EDGE_REGION,
  findStart,
  isLiveIn,
  listServed,
  lockDeployment,
  lockEnvironment,
  lockTopology,
  moveStatus,
  placeOf,
  recordAudit,
  stopTopology,
  type Tx,
} from "../../internal/store/mod.ts";
import type { StopByUserOrder } from "../../internal/workflows/messages.ts";
import type { StopResult } from "./types.ts";

interface Order {
  readonly environmentId: string;
  readonly deploymentId: string;
  readonly nowMs: number;
}

/** Reads and stops in one transaction, so that traffic which came back in between is seen. */
export async function stopInTransaction(tx: Tx, order: Order): Promise<StopResult> {
  await lockEnvironment(tx, order.environmentId);
  const deployment = await lockDeployment(tx, order.deploymentId);
  if (deployment?.status === "stopped") return { outcome: { kind: "stopped" }, regions: [] };
  if (deployment?.status !== "ready") return { outcome: { kind: "not_ready" }, regions: [] };
  const wanted = (await listServed(tx, placeOf(deployment))).length > 0 ||
    await findStart(tx, deployment.id) !== undefined;
  if (wanted) return { outcome: { kind: "serving" }, regions: [] };
  await auditStop(tx, deployment, { kind: "system", name: "retention" }, order.nowMs);
  return {
    outcome: { kind: "stopped" },
    regions: await takeDown(tx, deployment.id, stopNote("replaced", order.nowMs)),
  };
}

/** The same on a user's request, with the reason of a refusal. @throws `not_found`, or `failed_precondition` with the gate's text */
export async function stopByUserInTransaction(
  tx: Tx,
  { environmentId, order, nowMs }: Omit<Order, "deploymentId"> & { readonly order: StopByUserOrder },
): Promise<readonly string[]> {
  const { deploymentId } = order;
  await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment === undefined) throw publicFault("not_found", `There is no deployment ${deploymentId}.`);
  const refusal = stopRefusal(deployment, {
    serves: await listServed(tx, placeOf(deployment)),
    isProduction: await isLiveIn(tx, PRODUCTION_SLUG, placeOf(deployment)),
    confirmed: order.confirmed === true,
  });
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
  if (deployment.status === "stopped") return [];
  await auditStop(tx, deployment, order.actor, nowMs);
  const stop = order.because === "branch_gone"
    ? branchGone(deployment.git_branch, nowMs)
    : stopNote("by_user", nowMs);
  return await takeDown(tx, deploymentId, stop);
}

/** Notes who stopped the deployment. */
export async function auditStop(
  tx: Tx,
  row: DeploymentsTable,
  actor: AuditActor,
  nowMs: number,
): Promise<void> {
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor,
    action: "deployment.stop",
    resource: { type: "deployment", id: row.id },
    projectId: row.project_id,
    environmentId: row.environment_id,
    nowMs,
  });
}

/** Takes the running deployment down, and returns the regions whose feeds changed. */
export async function takeDown(tx: Tx, deploymentId: string, stop: StopNote): Promise<readonly string[]> {
  const { atMs: nowMs } = stop;
  await moveStatus(tx, { id: deploymentId, from: ["ready"], to: "stopped", stop, nowMs });
  await lockTopology(tx, deploymentId);
  // The edges' region sorts before all others: every transaction locks regions in the same order.
  await announceRoutes(tx, deploymentId, nowMs);
  const stopped = await stopTopology(tx, { deploymentId, nowMs });
  return [EDGE_REGION, ...stopped.map((each) => each.region)];
}
