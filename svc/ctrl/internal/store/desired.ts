/**
 * Desired state as the feeds deliver it.
 *
 * Each kind has two reads: by ids, for changes, and by page, for snapshots. Call them in one consistent read.
 */
import type { SelectQueryBuilder } from "kysely";
import type { Queryable } from "./database.ts";
import type { DeploymentsTable, FrontlineRoutesTable, InstancesTable, Schema } from "./schema.ts";

/** A deployment in one region: what to run, and whether to. */
export interface DesiredDeployment extends DeploymentsTable {
  readonly region: string;
  readonly desired_replicas: number;
  readonly desired_status: "started" | "stopped";
  /** The region's version at the last change of this placement. */
  readonly version: number;
  readonly k8s_namespace: string | null;
}

/** The placements of these deployments in the region, by primary key. Those that were never placed are missing. */
export async function listDesiredDeployments(
  db: Queryable,
  region: string,
  deploymentIds: readonly string[],
): Promise<DesiredDeployment[]> {
  if (deploymentIds.length === 0) return [];
  return await selectDesired(db, region)
    .where("deployment_topology.deployment_id", "in", [...deploymentIds]).execute();
}

/** What should run in the region, in order of version, above `afterVersion`. Index on region, status and version. */
export async function pageDesiredDeployments(
  db: Queryable,
  region: string,
  afterVersion: number,
  limit: number,
): Promise<DesiredDeployment[]> {
  return await loadPage(
    db,
    region,
    await selectPage(db, region, afterVersion, limit).where("desired_status", "=", "started").execute(),
  );
}

/**
 * A page is chosen by the index alone, and its rows are read by their keys then: a planner that does not know the tables
 * yet would rather sort the whole join for each page.
 */
function selectPage(
  db: Queryable,
  region: string,
  afterVersion: number,
  limit: number,
): SelectQueryBuilder<Schema, "deployment_topology", { deployment_id: string }> {
  return db.selectFrom("deployment_topology").select("deployment_id").where("region", "=", region)
    .where("version", ">", afterVersion).orderBy("version").limit(limit);
}

async function loadPage(
  db: Queryable,
  region: string,
  page: readonly { readonly deployment_id: string }[],
): Promise<DesiredDeployment[]> {
  const rows = await listDesiredDeployments(db, region, page.map((each) => each.deployment_id));
  return rows.sort((a, b) => a.version - b.version);
}

/** How many of a region's stopped placements are remembered for clients that need to be told of each. */
const STOPPED_TOLD_MAX = 20_000;

/**
 * What should run in the region, and what was stopped there: all there is to tell a client that only knows what it is
 * told to delete. In order of version, above `afterVersion`; of the stopped, the newest. Unique index on region and
 * version.
 */
export async function pageRecordedDeployments(
  db: Queryable,
  region: string,
  options: { readonly afterVersion: number; readonly stoppedFrom: number; readonly limit: number },
): Promise<DesiredDeployment[]> {
  const { afterVersion, stoppedFrom, limit } = options;
  const page = selectPage(db, region, afterVersion, limit)
    .where((eb) => eb.or([eb("desired_status", "=", "started"), eb("version", ">=", stoppedFrom)]));
  return await loadPage(db, region, await page.execute());
}

/** The version from which on stopped placements are told; 0: all of them. Index on region, status and version. */
export async function findStoppedFrom(db: Queryable, region: string): Promise<number> {
  const row = await db.selectFrom("deployment_topology").select("version")
    .where("region", "=", region).where("desired_status", "=", "stopped")
    .orderBy("version", "desc").limit(1).offset(STOPPED_TOLD_MAX).executeTakeFirst();
  return row?.version ?? 0;
}

function selectDesired(
  db: Queryable,
  region: string,
): SelectQueryBuilder<Schema, "deployment_topology" | "deployments" | "workspaces", DesiredDeployment> {
  return db.selectFrom("deployment_topology")
    .innerJoin("deployments", "deployments.id", "deployment_topology.deployment_id")
    .innerJoin("workspaces", "workspaces.id", "deployments.workspace_id")
    .selectAll("deployments")
    .select(["region", "desired_replicas", "desired_status", "version", "k8s_namespace"])
    .where("region", "=", region);
}

/** A route, and whether what it leads to was stopped. */
export interface RoutedDeployment extends FrontlineRoutesTable {
  readonly stopped: boolean;
}

/** These routes, by primary key; the removed ones are missing. */
export async function listRoutes(db: Queryable, ids: readonly string[]): Promise<RoutedDeployment[]> {
  if (ids.length === 0) return [];
  const rows = await selectRoutes(db).where("frontline_routes.id", "in", [...ids]).execute();
  return rows.map(withStopped);
}

/** All routes in order of id, above `afterId`. By primary key. */
export async function pageRoutes(
  db: Queryable,
  afterId: string,
  limit: number,
): Promise<RoutedDeployment[]> {
  const rows = await selectRoutes(db).where("frontline_routes.id", ">", afterId)
    .orderBy("frontline_routes.id").limit(limit).execute();
  return rows.map(withStopped);
}

type RouteRow = FrontlineRoutesTable & { readonly deployment_status: DeploymentsTable["status"] | null };

function selectRoutes(
  db: Queryable,
): SelectQueryBuilder<Schema, "frontline_routes" | "deployments", RouteRow> {
  return db.selectFrom("frontline_routes")
    .leftJoin("deployments", "deployments.id", "frontline_routes.deployment_id")
    .selectAll("frontline_routes")
    .select("deployments.status as deployment_status");
}

function withStopped({ deployment_status: status, ...route }: RouteRow): RoutedDeployment {
  return { ...route, stopped: status === "stopped" };
}

/** What takes requests: an instance that runs and has an address. */
export interface EndpointRow extends Pick<InstancesTable, "id" | "deployment_id" | "region" | "address"> {
  /** Nobody outside of its region should send requests there. */
  readonly leftOut: boolean;
}

/**
 * The endpoints of these deployments. Index on the deployment.
 *
 * Those in silent regions are left out, unless the deployment has no others: then they may well be alive, because it may
 * be the control plane that was away, and an edge that tries them does better than one that has nothing to try.
 */
export async function listEndpoints(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<EndpointRow[]> {
  if (deploymentIds.length === 0) return [];
  const rows = await db.selectFrom("instances")
    .leftJoin("silent_regions", "silent_regions.region", "instances.region")
    .select(["id", "deployment_id", "instances.region", "address", "since"])
    .where("deployment_id", "in", [...deploymentIds])
    .where("status", "=", "running").where("address", "!=", "")
    .orderBy("deployment_id").orderBy("id").execute();
  const audible = new Set(rows.filter((row) => row.since === null).map((row) => row.deployment_id));
  return rows.map(({ since, ...row }) => ({
    ...row,
    leftOut: since !== null && audible.has(row.deployment_id),
  }));
}

/** The environments of these deployments, by deployment; those that do not exist are missing. By primary key. */
export async function listEnvironmentsOfDeployments(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.selectFrom("deployments").select(["id", "environment_id"])
    .where("id", "in", [...deploymentIds]).execute();
  return new Map(rows.map((row) => [row.id, row.environment_id]));
}

/** Deployments that have instances, in order of id, above `afterId`. Index on the deployment. */
export async function pageDeploymentsWithInstances(
  db: Queryable,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const rows = await db.selectFrom("instances").select("deployment_id").distinct()
    .where("deployment_id", ">", afterId).orderBy("deployment_id").limit(limit).execute();
  return rows.map((row) => row.deployment_id);
}
