/**
 * Regions that are down: routing leaves them out, because the heartbeats of all their agents timed out.
 *
 * A region's mark and the changes of all endpoints that it concerns are one transaction, so that an edge which has seen
 * the changes routes by the mark.
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
  // Other transactions that decide about endpoints wait for this one, or are visible to it.
  await lockRegion(tx, EDGE_REGION);
  const alive = await tx.selectFrom("agents").select("agent_id").where("region", "=", region)
    .where("last_seen_at", ">=", heartbeatSinceMs).limit(1).executeTakeFirst();
  if (alive !== undefined || await isDown(tx, region)) return false;
  await insertIgnore(tx, "silent_regions", [{ region, since: nowMs }], ["region"]);
  await appendEndpointsOf(tx, region, nowMs);
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
  await appendEndpointsOf(tx, region, nowMs);
  return true;
}

/** Appends a change for every deployment that takes requests there. Unique index on region and name. */
async function appendEndpointsOf(tx: Tx, region: string, nowMs: number): Promise<void> {
  const rows = await tx.selectFrom("instances").select("deployment_id").distinct()
    .where("region", "=", region).where("status", "=", "running").orderBy("deployment_id").execute();
  const changes = rows.map((row) => ({ resourceType: "endpoints" as const, resourceId: row.deployment_id }));
  await appendChanges(tx, EDGE_REGION, changes, nowMs);
}
