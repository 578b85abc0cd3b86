/**
 * Desired state as the feeds deliver it.
 *
 * Each kind has two reads: by ids, for changes, and by page, for snapshots. Call them in one consistent read.
 */
import type { SelectQueryBuilder } from "kysely";
import type { StopNote } from "../deployments/stop_note.ts";
import type { Queryable } from "./database.ts";
import type {
  DeploymentsTable,
  DeploymentTasksTable,
  FrontlineRoutesTable,
  InstancesTable,
  ProtectionsTable,
  Schema,
} from "./schema.ts";
import { protectionsOfRoutes } from "./protections.ts";
import { decodeScaling } from "../scaling/mod.ts";
import { listScaled } from "./scaling.ts";
import { isAsleep, listSleeps } from "./sleeps.ts";
import { listRunningGraduals } from "./gradual_switches.ts";
import { LIVE_STICKIES } from "./routes.ts";
import type { GradualSwitchesTable } from "./schema_switches.ts";
import { decodeStopNote } from "./stop_note.ts";
import { listTasks } from "./tasks.ts";

/** A deployment in one region with its desired state. */
export interface DesiredDeployment extends PlacedDeployment {
  /** Its tasks of all regions. */
  readonly tasks: readonly DeploymentTasksTable[];
  /** Its number of instances follows their CPU. */
  readonly reportsUsage: boolean;
  /** None of its instances is wanted until a request comes. */
  readonly isAsleep: boolean;
}

interface PlacedDeployment extends DeploymentsTable {
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
  const rows = await selectDesired(db, region)
    .where("deployment_topology.deployment_id", "in", [...deploymentIds]).execute();
  const tasks = await listTasks(db, rows.map((row) => row.id));
  const scaled = await listScaled(db, rows.map((row) => row.id));
  const measured = new Set(
    scaled.filter((row) => row.region === region && decodeScaling(row.settings).cpuPercent !== undefined)
      .map((row) => row.deployment_id),
  );
  const sleeps = new Map(
    (await listSleeps(db, rows.map((row) => row.id))).map((row) => [row.deployment_id, row]),
  );
  return rows.map((row) => ({
    ...row,
    tasks: tasks.get(row.id) ?? [],
    isAsleep: isAsleep(sleeps.get(row.id), row.status),
    reportsUsage: measured.has(row.id),
  }));
}

/** Deployments that should run in the region, in order of version, above `afterVersion`. Index on region, status and version. */
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

/** The newest stopped placements of a region that snapshots include, for clients that delete only by message. */
const STOPPED_LISTED_MAX = 20_000;

/**
 * Deployments that should run in the region, and those that were stopped there: a client that deletes only by message
 * needs both. In order of version, above `afterVersion`; of the stopped, the newest. Unique index on region and
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

/** The lowest version of a stopped placement in a snapshot; 0: all of them. Index on region, status and version. */
export async function findStoppedFrom(db: Queryable, region: string): Promise<number> {
  const row = await db.selectFrom("deployment_topology").select("version")
    .where("region", "=", region).where("desired_status", "=", "stopped")
    .orderBy("version", "desc").limit(1).offset(STOPPED_LISTED_MAX).executeTakeFirst();
  return row?.version ?? 0;
}

function selectDesired(
  db: Queryable,
  region: string,
): SelectQueryBuilder<Schema, "deployment_topology" | "deployments" | "workspaces", PlacedDeployment> {
  return db.selectFrom("deployment_topology")
    .innerJoin("deployments", "deployments.id", "deployment_topology.deployment_id")
    .innerJoin("workspaces", "workspaces.id", "deployments.workspace_id")
    .selectAll("deployments")
    .select(["region", "desired_replicas", "desired_status", "version", "k8s_namespace"])
    .where("region", "=", region);
}

/** A route with the state of its deployment. */
export interface RoutedDeployment extends FrontlineRoutesTable {
  readonly stopped: boolean;
  readonly stop: StopNote | undefined;
  /** Without instances it may be asleep, and an edge can wake it. */
  readonly wakes: boolean;
  /** Not empty: requests are sent to this name. */
  readonly redirectHostname: string;
  /** `undefined`: everybody may see it. */
  readonly protection: ProtectionsTable | undefined;
  /** The running gradual switch that takes a part of its requests. */
  readonly gradual?: GradualSwitchesTable | undefined;
}

/** These routes, by primary key; the removed ones are missing. */
export async function listRoutes(db: Queryable, ids: readonly string[]): Promise<RoutedDeployment[]> {
  if (ids.length === 0) return [];
  const rows = await selectRoutes(db).where("frontline_routes.id", "in", [...ids]).execute();
  return await withGradual(db, await withState(db, rows));
}

/** All routes in order of id, above `afterId`. By primary key. */
export async function pageRoutes(
  db: Queryable,
  afterId: string,
  limit: number,
): Promise<RoutedDeployment[]> {
  const rows = await selectRoutes(db).where("frontline_routes.id", ">", afterId)
    .orderBy("frontline_routes.id").limit(limit).execute();
  return await withGradual(db, await withState(db, rows));
}

/**
 * A route that leads elsewhere than the gradual switch found it is not split: a process of a former release, which knows none,
 * has moved it.
 */
async function withGradual(db: Queryable, routes: readonly RoutedDeployment[]): Promise<RoutedDeployment[]> {
  const split = routes.filter(({ sticky }) => LIVE_STICKIES.includes(sticky));
  const running = await listRunningGraduals(db, [...new Set(split.map((each) => each.environment_id))]);
  if (running.length === 0) return [...routes];
  const byEnvironment = new Map(running.map((each) => [each.environment_id, each]));
  return routes.map((route) => {
    const gradual = LIVE_STICKIES.includes(route.sticky)
      ? byEnvironment.get(route.environment_id)
      : undefined;
    return gradual?.former_deployment_id === route.deployment_id ? { ...route, gradual } : route;
  });
}

type RouteRow = FrontlineRoutesTable & {
  readonly deployment_status: DeploymentsTable["status"] | null;
  readonly stop_note: string | null;
  readonly sleeps_after: number | null;
  readonly redirect_hostname: string | null;
};

// deno-lint-ignore explicit-function-return-type -- the builder's type names every alias
function selectRoutes(db: Queryable) {
  return db.selectFrom("frontline_routes")
    .leftJoin("deployments", "deployments.id", "frontline_routes.deployment_id")
    .leftJoin(
      "deployment_sleeps",
      (join) =>
        join.onRef("deployment_sleeps.deployment_id", "=", "frontline_routes.deployment_id")
          .onRef("deployment_sleeps.workspace_id", "=", "frontline_routes.workspace_id"),
    )
    .leftJoin("custom_domains as own", (join) =>
      join.onRef("own.hostname", "=", "frontline_routes.hostname")
        .onRef("own.workspace_id", "=", "frontline_routes.workspace_id"))
    .leftJoin("custom_domains as other", (join) =>
      // Only a name that is proven: others may lead anywhere.
      join.onRef("other.hostname", "=", "own.redirect_to")
        .onRef("other.workspace_id", "=", "own.workspace_id").on("other.status", "=", "verified"))
    .selectAll("frontline_routes")
    .select([
      "deployments.status as deployment_status",
      "deployments.stop_note",
      "deployment_sleeps.after_seconds as sleeps_after",
      "other.hostname as redirect_hostname",
    ]);
}

async function withState(db: Queryable, rows: readonly RouteRow[]): Promise<RoutedDeployment[]> {
  const protections = await protectionsOfRoutes(db, rows);
  return rows.map(({ deployment_status: status, stop_note, redirect_hostname, sleeps_after, ...route }) => ({
    ...route,
    redirectHostname: redirect_hostname ?? "",
    stopped: status === "stopped",
    stop: decodeStopNote(stop_note),
    wakes: sleeps_after !== null,
    protection: protections.get(route.environment_id),
  }));
}

/** An endpoint: an instance that runs and has an address. */
export type EndpointRow = Pick<InstancesTable, "id" | "deployment_id" | "region" | "address">;

/** The endpoints of these deployments. Index on the deployment. */
export async function listEndpoints(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<EndpointRow[]> {
  if (deploymentIds.length === 0) return [];
  return await db.selectFrom("instances").select(["id", "deployment_id", "region", "address"])
    .where("deployment_id", "in", [...deploymentIds])
    .where("status", "=", "running").where("address", "!=", "")
    .orderBy("deployment_id").orderBy("id").execute();
}

/** The environments of deployments, and the protocols that they speak: "" is HTTP/1.1. */
export async function listServedDeployments(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly environmentId: string; readonly protocol: string }>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.selectFrom("deployments").select(["id", "environment_id", "app_protocol"])
    .where("id", "in", [...deploymentIds]).execute();
  return new Map(
    rows.map((row) => [row.id, { environmentId: row.environment_id, protocol: row.app_protocol ?? "" }]),
  );
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
