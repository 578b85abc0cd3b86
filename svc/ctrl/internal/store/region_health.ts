/**
 * Regions that are left out of routing because nobody was heard there for too long.
 *
 * A region's mark and the changes of all endpoints that it concerns are one transaction, so that an edge which has seen
 * the changes routes by the mark.
 */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import { appendChanges, EDGE_REGION, lockRegion } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import type { SilentRegionsTable } from "./schema.ts";

/** A region with agents, and when one of them was heard last. */
export interface RegionHeartbeat {
  readonly region: string;
  readonly lastSeenAtMs: number;
}

/** When each region was heard last; the edges are none. Index on region and `last_seen_at`. */
export async function listRegionHeartbeats(db: Queryable): Promise<RegionHeartbeat[]> {
  const rows = await db.selectFrom("agents").select((eb) => ["region", eb.fn.max("last_seen_at").as("last")])
    .where("region", "!=", EDGE_REGION).groupBy("region").execute();
  return rows.map(({ region, last }) => ({ region, lastSeenAtMs: last }));
}

/** The regions that are left out now. One small table, read whole. */
export async function listDownRegions(db: Queryable): Promise<SilentRegionsTable[]> {
  return await db.selectFrom("silent_regions").selectAll().orderBy("region").execute();
}

/**
 * Leaves a region out, unless it was heard since `heardSinceMs` or is left out already. Returns whether that is news,
 * whose change of the edges' feed is appended then.
 */
export async function markRegionDown(
  tx: Tx,
  options: { readonly region: string; readonly heardSinceMs: number; readonly nowMs: number },
): Promise<boolean> {
  const { region, heardSinceMs, nowMs } = options;
  // Whoever else decides about endpoints waits for this, or is seen by it.
  await lockRegion(tx, EDGE_REGION);
  const known = await tx.selectFrom("silent_regions").select("region").where("region", "=", region)
    .executeTakeFirst();
  const heard = await tx.selectFrom("agents").select("agent_id").where("region", "=", region)
    .where("last_seen_at", ">=", heardSinceMs).limit(1).executeTakeFirst();
  if (known !== undefined || heard !== undefined) return false;
  await insertIgnore(tx, "silent_regions", [{ region, since: nowMs }], ["region"]);
  await appendEndpointsOf(tx, region, nowMs);
  return true;
}

/** Takes a region in again. Returns whether that is news, as above. */
export async function markRegionUp(
  tx: Tx,
  options: { readonly region: string; readonly nowMs: number },
): Promise<boolean> {
  const { region, nowMs } = options;
  await lockRegion(tx, EDGE_REGION);
  const { numDeletedRows } = await tx.deleteFrom("silent_regions").where("region", "=", region)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  await appendEndpointsOf(tx, region, nowMs);
  return true;
}

/** Every deployment that takes requests there. Unique index on region and name. */
async function appendEndpointsOf(tx: Tx, region: string, nowMs: number): Promise<void> {
  const rows = await tx.selectFrom("instances").select("deployment_id").distinct()
    .where("region", "=", region).where("status", "=", "running").orderBy("deployment_id").execute();
  const changes = rows.map((row) => ({ resourceType: "endpoints" as const, resourceId: row.deployment_id }));
  await appendChanges(tx, EDGE_REGION, changes, nowMs);
}
