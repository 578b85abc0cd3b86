/** Counts for `unkey status` and `unkey list projects`. */
import { HELD_BACK } from "../../deployments/troubles.ts";
import type { Queryable } from "../database.ts";

/** Instances of a workspace in one region. */
export interface RegionInstances {
  readonly region: string;
  readonly desired: number;
  readonly running: number;
  /** Deployments that the region does not come to run. */
  readonly refused: number;
}

/** Counts of wanted and running instances of the workspace, per region. Indices on the workspace. */
export async function countInstancesByRegion(db: Queryable, workspaceId: string): Promise<RegionInstances[]> {
  const desired = await db.selectFrom("deployment_topology as t")
    .leftJoin(
      "deployment_sleeps as s",
      (join) =>
        join.onRef("s.deployment_id", "=", "t.deployment_id").onRef("s.workspace_id", "=", "t.workspace_id"),
    )
    .select("t.region").select(({ fn }) => fn.sum<number>("t.desired_replicas").as("count"))
    .where("t.workspace_id", "=", workspaceId).where("t.desired_status", "=", "started")
    // Of what sleeps, nothing is wanted.
    .where((eb) => eb.or([eb("s.asleep_at", "is", null), eb("s.woken_at", "is not", null)]))
    .groupBy("t.region").execute();
  const running = await db.selectFrom("instances").select("region")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("workspace_id", "=", workspaceId).where("status", "=", "running").groupBy("region").execute();
  const refused = await db.selectFrom("instances").select("region")
    .select((eb) => eb.fn.count<number>("deployment_id").distinct().as("count"))
    .where("workspace_id", "=", workspaceId).where("status", "!=", "running")
    .where("reason", "in", [...HELD_BACK]).groupBy("region").execute();
  const regions = new Set([...desired, ...running].map(({ region }) => region));
  const count = (rows: typeof desired, region: string): number =>
    Number(rows.find((row) => row.region === region)?.count ?? 0);
  return [...regions].map((region) => ({
    region,
    desired: count(desired, region),
    running: count(running, region),
    refused: count(refused, region),
  }));
}

/** Sentinels of a workspace in one region. */
export interface RegionSentinels {
  readonly region: string;
  readonly desired: number;
  readonly healthy: number;
}

/** Counts of wanted and healthy sentinels of the workspace, per region. Index on the workspace. */
export async function countSentinelsByRegion(db: Queryable, workspaceId: string): Promise<RegionSentinels[]> {
  const rows = await db.selectFrom("sentinels").select(["region", "health"])
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("workspace_id", "=", workspaceId).where("desired_state", "=", "running")
    .groupBy(["region", "health"]).execute();
  const sum = (own: typeof rows): number => own.reduce((total, { count }) => total + Number(count), 0);
  return [...new Set(rows.map((row) => row.region))].map((region) => {
    const here = rows.filter((row) => row.region === region);
    return { region, desired: sum(here), healthy: sum(here.filter((row) => row.health === "healthy")) };
  });
}

/** The subset of `ids` that are deployments or sentinels of the workspace; by primary key. */
export async function listOwnResources(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const own = new Set<string>();
  for (const table of ["deployments", "sentinels"] as const) {
    const rows = await db.selectFrom(table).select("id")
      .where("workspace_id", "=", workspaceId).where("id", "in", [...ids]).execute();
    for (const { id } of rows) own.add(id);
  }
  return own;
}

/** The live deployment of the environment `slug` of each project of the workspace, by project. */
export async function listLiveDeployments(
  db: Queryable,
  workspaceId: string,
  slug: string,
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom("environments").innerJoin(
    "projects",
    "projects.id",
    "environments.project_id",
  )
    .select(["projects.id", "environments.live_deployment_id"])
    .where("projects.workspace_id", "=", workspaceId).where("environments.slug", "=", slug).execute();
  return new Map(rows.flatMap(({ id, live_deployment_id: live }) => live === null ? [] : [[id, live]]));
}
