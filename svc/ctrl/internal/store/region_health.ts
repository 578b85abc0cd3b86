/**
 * Regions that are down: edges prefer instances elsewhere, because the heartbeats of all their agents timed out.
 *
 * A region's mark and its change of the edges' feed are one transaction. It is one change, however many deployments run
 * there: an overloaded control plane that gets heartbeats late must not get more to do by it.
 */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import { appendChanges, EDGE_REGION, lockRegion } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import type { SilentRegionsTable } from "./schema.ts";

/** The newest heartbeat of a region's agents. */
export interface RegionHeartbeat {
  readonly region: string;
  readonly lastSeenAtMs: number;
}

/** The newest heartbeat of each region; the edges are no region. Index on region and `last_seen_at`. */
export async function listRegionHeartbeats(db: Queryable): Promise<RegionHeartbeat[]> {
  const rows = await db.selectFrom("agents").select((eb) => ["region", eb.fn.max("last_seen_at").as("last")])
    .where("region", "!=", EDGE_REGION).groupBy("region").execute();
  return rows.map(({ region, last }) => ({ region, lastSeenAtMs: last }));
}

/** Those of the regions that are down. By primary key. */
export async function findDownRegions(
  db: Queryable,
  regions: readonly string[],
): Promise<SilentRegionsTable[]> {
  if (regions.length === 0) return [];
  return await db.selectFrom("silent_regions").selectAll().where("region", "in", [...regions]).execute();
}

/** The regions that are down. One small table, read whole. */
export async function listDownRegions(db: Queryable): Promise<SilentRegionsTable[]> {
  return await db.selectFrom("silent_regions").selectAll().orderBy("region").execute();
}

/**
 * Marks a region as down, unless it has a heartbeat since `heartbeatSinceMs` or is down already. Returns true when it did;
 * then the change of the edges' feed is appended.
 */
export async function markRegionDown(
  tx: Tx,
  options: { readonly region: string; readonly heartbeatSinceMs: number; readonly nowMs: number },
): Promise<boolean> {
  const { region, heartbeatSinceMs, nowMs } = options;
  // The mark is looked at first, so that on several shards its commit comes before the feed's.
  if (await isDown(tx, region)) return false;
  // Another process that marks the region waits for this one, or is visible to it.
  await lockRegion(tx, EDGE_REGION);
  const alive = await tx.selectFrom("agents").select("agent_id").where("region", "=", region)
    .where("last_seen_at", ">=", heartbeatSinceMs).limit(1).executeTakeFirst();
  if (alive !== undefined || await isDown(tx, region)) return false;
  await insertIgnore(tx, "silent_regions", [{ region, since: nowMs }], ["region"]);
  await appendMark(tx, region, nowMs);
  return true;
}

async function isDown(tx: Tx, region: string): Promise<boolean> {
  return await tx.selectFrom("silent_regions").select("region").where("region", "=", region)
    .executeTakeFirst() !== undefined;
}

/** Takes a region into routing again. Returns true when it was down. */
export async function markRegionUp(
  tx: Tx,
  options: { readonly region: string; readonly nowMs: number },
): Promise<boolean> {
  const { region, nowMs } = options;
  if (!await isDown(tx, region)) return false;
  await lockRegion(tx, EDGE_REGION);
  const { numDeletedRows } = await tx.deleteFrom("silent_regions").where("region", "=", region)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  await appendMark(tx, region, nowMs);
  return true;
}

async function appendMark(tx: Tx, region: string, nowMs: number): Promise<void> {
  await appendChanges(tx, EDGE_REGION, [{ resourceType: "down_region", resourceId: region }], nowMs);
}
