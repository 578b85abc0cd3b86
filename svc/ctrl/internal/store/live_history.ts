/** What was live in an environment, in order: where a rollback goes when nobody says where. */
import type { Queryable, Tx } from "./database.ts";

/** One move of the live pointer. */
export interface LiveMove {
  readonly environmentId: string;
  readonly deploymentId: string;
  /** What was live until now. */
  readonly displaced: string | undefined;
  /** Whether it goes back, so that what was displaced is not what comes before it. */
  readonly back: boolean;
  readonly nowMs: number;
}

/**
 * Records what is live from now on, and what came before it. The caller holds the environment's row.
 *
 * After a step back, what comes before is what came before the target when it was live last: rolling back again goes
 * further back, and never forth to what was just left.
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

/** A target that was never live has nothing before it; then it is what came before the one that is left. */
async function findBefore(tx: Tx, { environmentId, deploymentId, displaced }: LiveMove) {
  return await findPreviousLive(tx, environmentId, deploymentId) ??
    (displaced === undefined ? undefined : await findPreviousLive(tx, environmentId, displaced));
}

/** What was live before the deployment was, the last time that it was. Index on environment and deployment. */
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
