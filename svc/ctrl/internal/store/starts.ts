/** Starts of stopped deployments that are under way: which workflow to wake or to cancel. */
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentStartsTable } from "./schema.ts";

/** Longer than any start takes: an older one was not released, and never will be. */
const STALE_MS = 2 * 3_600_000;

/** Outcome of a claim. `known`: the start that was under way before this call; empty for none. */
export interface Claim {
  readonly claimed: boolean;
  readonly known: string;
}

/** Notes the start unless another one is under way. The caller holds the deployment's row. */
export async function claimStart(
  tx: Tx,
  start: { readonly deploymentId: string; readonly startId: string; readonly nowMs: number },
): Promise<Claim> {
  const { deploymentId, startId, nowMs } = start;
  await tx.deleteFrom("deployment_starts").where("deployment_id", "=", deploymentId)
    .where("start_id", "!=", startId).where("created_at", "<", nowMs - STALE_MS).execute();
  const known = await findStart(tx, deploymentId);
  if (known !== undefined) return { claimed: known === startId, known };
  const row: DeploymentStartsTable = {
    deployment_id: deploymentId,
    start_id: startId,
    created_at: nowMs,
    is_cold: 0,
  };
  await tx.insertInto("deployment_starts").values(row).execute();
  return { claimed: true, known: "" };
}

/** Notes that the deployment was stopped before the start that is under way. */
export async function markStartCold(tx: Tx, deploymentId: string): Promise<void> {
  await tx.updateTable("deployment_starts").set({ is_cold: 1 })
    .where("deployment_id", "=", deploymentId).execute();
}

/** True when the deployment was stopped before the start that is under way. By primary key. */
export async function isStartCold(db: Queryable, deploymentId: string): Promise<boolean> {
  const row = await db.selectFrom("deployment_starts").select("is_cold")
    .where("deployment_id", "=", deploymentId).executeTakeFirst();
  return row?.is_cold === 1;
}

/** The start that is under way. By primary key. */
export async function findStart(db: Queryable, deploymentId: string): Promise<string | undefined> {
  const row = await db.selectFrom("deployment_starts").select("start_id")
    .where("deployment_id", "=", deploymentId).executeTakeFirst();
  return row?.start_id;
}

/** Forgets the start, if it is this one. */
export async function releaseStart(db: Queryable, deploymentId: string, startId: string): Promise<void> {
  await db.deleteFrom("deployment_starts")
    .where("deployment_id", "=", deploymentId).where("start_id", "=", startId).execute();
}
