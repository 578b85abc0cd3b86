/** History of an environment's live pointer: the default target of a rollback. */
import type { Queryable, Tx } from "./database.ts";

/** One move of the live pointer. */
export interface LiveMove {
  readonly environmentId: string;
  readonly deploymentId: string;
  /** The live deployment until now. */
  readonly displaced: string | undefined;
  /** True for a step back: then the displaced deployment is not its predecessor. */
  readonly back: boolean;
  readonly nowMs: number;
}

/**
 * Records the live deployment from now on, and its predecessor. The caller holds the environment's row.
 *
 * After a step back, the predecessor is that of the target when it was live last: rolling back again goes further back,
 * and never forth to the deployment that was just left.
 */
export async function recordLive(tx: Tx, move: LiveMove): Promise<void> {
  const { environmentId, deploymentId, displaced, back, nowMs } = move;
  const newest = await tx.selectFrom("live_history").select("sequence")
    .where("environment_id", "=", environmentId).orderBy("sequence", "desc").limit(1).executeTakeFirst();
  const previous = back ? await findBefore(tx, move) : displaced;
  await tx.insertInto("live_history").values({
    environment_id: environmentId,
    sequence: (newest?.sequence ?? 0) + 1,
    deployment_id: deploymentId,
    previous_deployment_id: previous === deploymentId ? null : previous ?? null,
    created_at: nowMs,
  }).execute();
}

/** A target that was never live has no predecessor; then it is that of the displaced deployment. */
async function findBefore(tx: Tx, { environmentId, deploymentId, displaced }: LiveMove) {
  return await findPreviousLive(tx, environmentId, deploymentId) ??
    (displaced === undefined ? undefined : await findPreviousLive(tx, environmentId, displaced));
}

/** The predecessor of the deployment, the last time that it was live. Index on environment and deployment. */
export async function findPreviousLive(
  db: Queryable,
  environmentId: string,
  deploymentId: string,
): Promise<string | undefined> {
  const row = await db.selectFrom("live_history").select("previous_deployment_id")
    .where("environment_id", "=", environmentId).where("deployment_id", "=", deploymentId)
    .orderBy("sequence", "desc").limit(1).executeTakeFirst();
  return row?.previous_deployment_id ?? undefined;
}
