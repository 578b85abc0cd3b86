/**
 * The change feed's two tables.
 *
 * A region's counter row is locked from the first change of a transaction until its end. Hence a region's versions have
 * no gaps and become visible in order: a reader that has seen one has seen everything below it.
 */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { ChangedResource } from "./schema.ts";

/** The region whose feed the edges watch: routes and endpoints. */
export const EDGE_REGION = "*";

export interface Change {
  readonly resourceType: ChangedResource;
  readonly resourceId: string;
}

const ROWS_PER_INSERT_MAX = 500;

/**
 * Appends changes to a region's feed and returns their versions, in the order given.
 *
 * Must be in the transaction that writes the state. Other writers of the region wait until it ends, so call it late, and
 * for several regions in sorted order, so that two transactions never wait for each other.
 */
export async function appendChanges(
  tx: Tx,
  region: string,
  changes: readonly Change[],
  nowMs: number,
): Promise<number[]> {
  if (changes.length === 0) return [];
  const last = await advance(tx, region, changes.length);
  const rows = changes.map(({ resourceType, resourceId }, index) => ({
    region,
    version: last - changes.length + 1 + index,
    resource_type: resourceType,
    resource_id: resourceId,
    created_at: nowMs,
  }));
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT_MAX) {
    await tx.insertInto("state_changes").values(rows.slice(start, start + ROWS_PER_INSERT_MAX)).execute();
  }
  return rows.map((row) => row.version);
}

/**
 * Makes other writers of the region wait until the transaction ends, and lets it see the writes of the ones before it.
 * For a change that concerns rows which it first has to look for.
 */
export async function lockRegion(tx: Tx, region: string): Promise<void> {
  await advance(tx, region, 0);
}

/** Adds to the region's counter, which locks it, and returns the new value. */
async function advance(tx: Tx, region: string, by: number): Promise<number> {
  const add = () =>
    tx.updateTable("region_versions").set((eb) => ({ version: eb("version", "+", by) }))
      .where("region", "=", region).executeTakeFirst();
  if ((await add()).numUpdatedRows === 0n) {
    await insertIgnore(tx, "region_versions", [{ region, version: 0 }], ["region"]);
    await add();
  }
  const row = await tx.selectFrom("region_versions").select("version").where("region", "=", region)
    .executeTakeFirst();
  if (row === undefined) throw new Fault("internal", `region "${region}" has no counter after it was made`);
  return row.version;
}

/** The version of every region that ever changed. One small table, read whole. */
export async function listRegionVersions(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom("region_versions").select(["region", "version"]).execute();
  return new Map(rows.map((row) => [row.region, row.version]));
}

/** The versions of these regions, without those that never changed. By primary key. */
export async function findRegionVersions(
  db: Queryable,
  regions: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (regions.length === 0) return new Map();
  const rows = await db.selectFrom("region_versions").select(["region", "version"])
    .where("region", "in", [...regions]).execute();
  return new Map(rows.map((row) => [row.region, row.version]));
}

/** The region's version; 0 when nothing ever changed. By primary key. */
export async function findRegionVersion(db: Queryable, region: string): Promise<number> {
  const row = await db.selectFrom("region_versions").select("version").where("region", "=", region)
    .executeTakeFirst();
  return row?.version ?? 0;
}

/** The oldest change that is still kept, of those from a version on; by primary key. `undefined` when there is none. */
export async function findOldestChange(
  db: Queryable,
  region: string,
  fromVersion = 0,
): Promise<number | undefined> {
  const row = await db.selectFrom("state_changes").select("version").where("region", "=", region)
    .where("version", ">=", fromVersion).orderBy("version").limit(1).executeTakeFirst();
  return row?.version;
}

/** Time of the first change after `version`, by primary key; `undefined` when there is none, or it was compacted. */
export async function findChangeTime(
  db: Queryable,
  region: string,
  version: number,
): Promise<number | undefined> {
  const row = await db.selectFrom("state_changes").select("created_at").where("region", "=", region)
    .where("version", "=", version + 1).executeTakeFirst();
  return row?.created_at;
}

/** A resource and its latest change in a range of versions. */
export interface CoalescedChange extends Change {
  readonly version: number;
}

/** Changes after version `after`, one per resource with its latest version, in order. By primary key. */
export async function listCoalescedChanges(
  db: Queryable,
  options: {
    readonly region: string;
    readonly after: number;
    readonly resourceTypes: readonly ChangedResource[];
  },
): Promise<CoalescedChange[]> {
  const rows = await db.selectFrom("state_changes")
    .select((eb) => ["resource_type", "resource_id", eb.fn.max("version").as("latest")])
    .where("region", "=", options.region).where("version", ">", options.after)
    .where("resource_type", "in", [...options.resourceTypes])
    .groupBy(["resource_type", "resource_id"]).orderBy("latest").execute();
  return rows.map((row) => ({
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    version: row.latest,
  }));
}

export interface Retention {
  readonly nowMs: number;
  /** Changes younger than this stay. */
  readonly keepMs: number;
  /** At least so many of the newest stay, however old they are. */
  readonly keepVersions: number;
}

const VERSIONS_PER_DELETE = 1_000;
/** Of one call: a feed that has grown for long shrinks over several, and other steps of the worker get in between. */
const DELETES_MAX = 200;

/**
 * Deletes the oldest changes of a region and returns how many. Only a prefix goes, so the rest has no gaps. It is many
 * small statements, each of a range of versions: readers and writers get in between, and no statement passes the rows that
 * an earlier one deleted.
 */
export async function compactChanges(db: Queryable, region: string, retention: Retention): Promise<number> {
  const sinceMs = retention.nowMs - retention.keepMs;
  const end = await findRegionVersion(db, region) - retention.keepVersions + 1;
  let start = await findOldestChange(db, region);
  let deleted = 0;
  for (let deletes = 0; start !== undefined && start < end && deletes < DELETES_MAX; deletes++) {
    const next = Math.min(end, start + VERSIONS_PER_DELETE);
    const young = await findYoungChange(db, { region, start, end: next, sinceMs });
    const { numDeletedRows } = await db.deleteFrom("state_changes").where("region", "=", region)
      .where("version", ">=", start).where("version", "<", young ?? next).executeTakeFirst();
    deleted += Number(numDeletedRows);
    if (young !== undefined) break;
    start = await findOldestChange(db, region, next);
  }
  return deleted;
}

/** The first change of a range of versions, without `end`, that was made since then. By primary key. */
async function findYoungChange(
  db: Queryable,
  { region, start, end, sinceMs }: {
    readonly region: string;
    readonly start: number;
    readonly end: number;
    readonly sinceMs: number;
  },
): Promise<number | undefined> {
  const row = await db.selectFrom("state_changes").select("version").where("region", "=", region)
    .where("version", ">=", start).where("version", "<", end).where("created_at", ">=", sinceMs)
    .orderBy("version").limit(1).executeTakeFirst();
  return row?.version;
}
