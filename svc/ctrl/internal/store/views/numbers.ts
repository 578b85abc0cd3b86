/** Counts of what the platform has to do, for its metrics. Few rows each, by an index or from a small table. */
import type { Queryable } from "../database.ts";

/** The progress of a region's agents, or of all edges. */
export interface RegionProgress {
  readonly region: string;
  readonly lastSeenAtMs: number;
  /** The newest version of its feed, and the one that the agent which is furthest behind has applied. */
  readonly version: number;
  readonly appliedVersion: number;
}

/** The progress of each region that had a heartbeat since `sinceMs`; the edges' region is `*`. */
export async function listRegionProgress(db: Queryable, sinceMs: number): Promise<readonly RegionProgress[]> {
  const rows = await db.selectFrom("agents")
    .leftJoin("region_versions", "region_versions.region", "agents.region")
    .select((eb) => [
      "agents.region",
      eb.fn.max("agents.last_seen_at").as("lastSeenAtMs"),
      eb.fn.min("agents.applied_version").as("appliedVersion"),
      eb.fn.max("region_versions.version").as("version"),
    ])
    .where("agents.last_seen_at", ">=", sinceMs)
    .groupBy("agents.region").execute();
  return rows.map((row) => ({ ...row, version: row.version ?? 0 }));
}

/** Builds of all workspaces: `holding` ones run, the others wait for a slot or for their workflow to take it. */
export interface BuildQueue {
  readonly state: "waiting" | "offered" | "holding";
  readonly count: number;
  /** Arrival of the first of them. */
  readonly oldestAtMs: number;
}

/** The build queue; a row for each build that runs or waits. */
export async function countBuildSlots(db: Queryable): Promise<readonly BuildQueue[]> {
  return await db.selectFrom("build_slots")
    .select((
      eb,
    ) => ["state", eb.fn.countAll<number>().as("count"), eb.fn.min("enqueued_at").as("oldestAtMs")])
    .groupBy("state").execute();
}

/** The certificates of the platform. */
export interface CertificateNumbers {
  readonly count: number;
  /** The end of the one that ends first; `undefined` without any. */
  readonly firstEndAtMs: number | undefined;
  /** Orders by status. */
  readonly orders: readonly { readonly status: string; readonly count: number }[];
}

/** Counts certificates and the orders for them. */
export async function certificateNumbers(db: Queryable): Promise<CertificateNumbers> {
  const { count, first } = await db.selectFrom("certificates")
    .select((eb) => [eb.fn.countAll<number>().as("count"), eb.fn.min("not_after").as("first")])
    .executeTakeFirstOrThrow();
  const orders = await db.selectFrom("certificate_orders")
    .select((eb) => ["status", eb.fn.countAll<number>().as("count")]).groupBy("status").execute();
  return { count, firstEndAtMs: count === 0 ? undefined : first, orders };
}
