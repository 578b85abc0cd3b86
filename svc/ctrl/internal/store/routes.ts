/** Routes from hostnames to deployments. Every change of a route is a change of the edges' feed. */
import { insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { appendChanges, EDGE_REGION, lockRegion } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentsTable, FrontlineRoutesTable } from "./schema.ts";
import { bumpViewRevision } from "./views/revisions.ts";

/** The names that stand for an environment; a branch's name stays with its branch. */
export const LIVE_STICKIES: readonly FrontlineRoutesTable["sticky"][] = ["environment", "live", "custom"];

/** A hostname with its meaning. */
export interface WantedRoute {
  /** Lower case, without a port. */
  readonly hostname: string;
  readonly sticky: FrontlineRoutesTable["sticky"];
}

export interface RouteAssignment {
  readonly routes: readonly WantedRoute[];
  readonly deploymentId: string;
  readonly environmentId: string;
  readonly projectId: string;
  readonly workspaceId: string;
  readonly nowMs: number;
}

/** Either all routes lead to the deployment now, or none was touched. */
export type RouteOutcome =
  | {
    readonly kind: "assigned";
    /** Routes that led elsewhere before, or nowhere. */
    readonly moved: readonly { readonly hostname: string; readonly from: string | undefined }[];
  }
  /** Hostnames that belong to another project or environment. */
  | { readonly kind: "taken"; readonly hostnames: readonly string[] };

/**
 * Makes the hostnames lead to the deployment.
 *
 * A hostname belongs to the project that had it first, and if it stands for an environment or a branch, to that environment. If
 * one of them has another owner, nothing is changed.
 */
export async function assignRoutes(tx: Tx, assignment: RouteAssignment): Promise<RouteOutcome> {
  const wanted = assignment.routes.toSorted((a, b) => a.hostname < b.hostname ? -1 : 1);
  if (wanted.length === 0) return { kind: "assigned", moved: [] };
  const before = await lockHostnames(tx, wanted);
  const taken = wanted.filter((route) => isForeign(before.get(route.hostname), assignment));
  if (taken.length > 0) return { kind: "taken", hostnames: taken.map((route) => route.hostname) };

  const fresh = wanted.filter((route) => !before.has(route.hostname)).map((route) =>
    newRow(route, assignment)
  );
  await insertIgnore(tx, "frontline_routes", fresh, ["hostname"]);
  // Another transaction may have claimed one between the look and the insert; the row lock of the insert decided.
  const after = await lockHostnames(tx, wanted);
  const lost = wanted.filter((route) => isForeign(after.get(route.hostname), assignment));
  if (lost.length > 0) {
    await tx.deleteFrom("frontline_routes").where("id", "in", fresh.map((row) => row.id)).execute();
    return { kind: "taken", hostnames: lost.map((route) => route.hostname) };
  }
  return { kind: "assigned", moved: await pointAll(tx, { assignment, wanted, before, after }) };
}

interface Pointing {
  readonly assignment: RouteAssignment;
  readonly wanted: readonly WantedRoute[];
  readonly before: ReadonlyMap<string, FrontlineRoutesTable>;
  readonly after: ReadonlyMap<string, FrontlineRoutesTable>;
}

async function pointAll(
  tx: Tx,
  { assignment, wanted, before, after }: Pointing,
): Promise<{ hostname: string; from: string | undefined }[]> {
  const moved: { id: string; hostname: string; from: string | undefined }[] = [];
  const owners: string[] = [];
  for (const { hostname, sticky } of wanted) {
    const row = after.get(hostname);
    if (row === undefined) continue;
    const asWanted = row.deployment_id === assignment.deploymentId && row.sticky === sticky &&
      row.environment_id === assignment.environmentId;
    if (!asWanted) {
      await tx.updateTable("frontline_routes").set({
        deployment_id: assignment.deploymentId,
        environment_id: assignment.environmentId,
        project_id: assignment.projectId,
        sticky,
        updated_at: assignment.nowMs,
      }).where("id", "=", row.id).execute();
    }
    const from = before.get(hostname)?.deployment_id;
    if (asWanted && from !== undefined) continue;
    moved.push({ id: row.id, hostname, from });
    // What led elsewhere until now is shown there no more, also where it was claimed since the first look.
    owners.push(row.deployment_id, assignment.deploymentId);
  }
  await appendRouteChanges(tx, moved.map(({ id }) => id), assignment.nowMs);
  await bumpViewRevision(tx, owners);
  return moved.map(({ hostname, from }) => ({ hostname, from }));
}

async function lockHostnames(
  tx: Tx,
  routes: readonly WantedRoute[],
): Promise<ReadonlyMap<string, FrontlineRoutesTable>> {
  const query = tx.selectFrom("frontline_routes").selectAll()
    .where("hostname", "in", routes.map((route) => route.hostname)).orderBy("hostname");
  return new Map((await lockRows(tx, query).execute()).map((row) => [row.hostname, row]));
}

function isForeign(row: FrontlineRoutesTable | undefined, owner: RouteAssignment): boolean {
  if (row === undefined) return false;
  if (row.workspace_id !== owner.workspaceId || row.project_id !== owner.projectId) return true;
  // A name of a commit is its deployment's; all others have their environment in them.
  return row.sticky !== "none" && row.environment_id !== owner.environmentId;
}

function newRow({ hostname, sticky }: WantedRoute, owner: RouteAssignment): FrontlineRoutesTable {
  return {
    id: newId("route", owner.nowMs),
    workspace_id: owner.workspaceId,
    project_id: owner.projectId,
    environment_id: owner.environmentId,
    deployment_id: owner.deploymentId,
    hostname,
    sticky,
    created_at: owner.nowMs,
    updated_at: owner.nowMs,
  };
}

/** Appends changes for the routes of these names, because the meaning of a name has changed. */
export async function announceHostnames(
  tx: Tx,
  { workspaceId, hostnames }: { readonly workspaceId: string; readonly hostnames: readonly string[] },
  nowMs: number,
): Promise<void> {
  if (hostnames.length === 0) return;
  const rows = await tx.selectFrom("frontline_routes").select("id").where("workspace_id", "=", workspaceId)
    .where("hostname", "in", [...hostnames]).orderBy("hostname").execute();
  await appendRouteChanges(tx, rows.map((row) => row.id), nowMs);
}

/** Removes the route of a name that a workspace had, and tells the edges. */
export async function removeRouteOfHostname(
  tx: Tx,
  { hostname, workspaceId }: { readonly hostname: string; readonly workspaceId: string },
  nowMs: number,
): Promise<void> {
  const query = tx.selectFrom("frontline_routes").select(["id", "deployment_id"])
    .where("hostname", "=", hostname).where("workspace_id", "=", workspaceId);
  const row = await lockRows(tx, query).executeTakeFirst();
  if (row === undefined) return;
  await tx.deleteFrom("frontline_routes").where("id", "=", row.id).execute();
  await appendRouteChanges(tx, [row.id], nowMs);
  await bumpViewRevision(tx, [row.deployment_id]);
}

/** Appends changes for the routes that lead to the deployment, because its own state has changed. False: it has none. */
export async function announceRoutes(tx: Tx, deploymentId: string, nowMs: number): Promise<boolean> {
  const rows = await listRoutesOfDeployment(tx, deploymentId);
  await appendRouteChanges(tx, rows.map((row) => row.id), nowMs);
  return rows.length > 0;
}

/**
 * Appends changes for all routes of these environments, because what holds for their visitors has changed. Routes that others are
 * making wait, and have it from the begin. Returns true if there were any.
 */
export async function announceEnvironments(
  tx: Tx,
  environmentIds: readonly string[],
  nowMs: number,
): Promise<boolean> {
  if (environmentIds.length === 0) return false;
  await lockRegion(tx, EDGE_REGION);
  const rows = await tx.selectFrom("frontline_routes").select("id")
    .where("environment_id", "in", [...environmentIds]).orderBy("hostname").execute();
  await appendRouteChanges(tx, rows.map((row) => row.id), nowMs);
  return rows.length > 0;
}

/** Appends changes for the routes that stand for the environment, because the split of their requests has changed. */
export async function announceLiveRoutes(tx: Tx, environmentId: string, nowMs: number): Promise<void> {
  const rows = await listRoutesOfEnvironment(tx, environmentId, LIVE_STICKIES);
  await appendRouteChanges(tx, rows.map((row) => row.id), nowMs);
}

async function appendRouteChanges(tx: Tx, ids: readonly string[], nowMs: number): Promise<void> {
  const changes = ids.map((resourceId) => ({ resourceType: "route" as const, resourceId }));
  await appendChanges(tx, EDGE_REGION, changes, nowMs);
}

/** Routes that lead to the deployment, by hostname. Index on the deployment. */
export async function listRoutesOfDeployment(
  db: Queryable,
  deploymentId: string,
): Promise<FrontlineRoutesTable[]> {
  return await db.selectFrom("frontline_routes").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("hostname").execute();
}

/** Routes of an environment that stand for one of `stickies`, by hostname. Index on the environment. */
export async function listRoutesOfEnvironment(
  db: Queryable,
  environmentId: string,
  stickies: readonly FrontlineRoutesTable["sticky"][],
): Promise<FrontlineRoutesTable[]> {
  return await db.selectFrom("frontline_routes").selectAll()
    .where("environment_id", "=", environmentId).where("sticky", "in", [...stickies])
    .orderBy("hostname").execute();
}

/** The deployment behind a hostname. */
export interface RouteHolder extends Pick<FrontlineRoutesTable, "hostname" | "deployment_id"> {
  readonly sequence: number;
}

/** The holders of these hostnames. Unique index on the hostname. */
export async function listRouteHolders(db: Queryable, hostnames: readonly string[]): Promise<RouteHolder[]> {
  if (hostnames.length === 0) return [];
  return await db.selectFrom("frontline_routes")
    .innerJoin("deployments", "deployments.id", "frontline_routes.deployment_id")
    .where("frontline_routes.hostname", "in", [...hostnames])
    .select([
      "frontline_routes.hostname",
      "frontline_routes.deployment_id",
      "deployments.sequence",
    ]).execute();
}

/** A deployment, and the workspace whose shard it is in. */
export interface DeploymentPlace {
  readonly deploymentId: string;
  readonly workspaceId: string;
}

export function placeOf(
  { id, workspace_id }: Pick<DeploymentsTable, "id" | "workspace_id">,
): DeploymentPlace {
  return { deploymentId: id, workspaceId: workspace_id };
}

/**
 * Names that lead to the deployment besides its own commit's: hostnames, or the environment that has it live. Empty when
 * it serves nothing.
 */
export async function listServed(
  db: Queryable,
  { deploymentId, workspaceId }: DeploymentPlace,
): Promise<readonly string[]> {
  const routes = await db.selectFrom("frontline_routes").select("hostname")
    .where("workspace_id", "=", workspaceId).where("deployment_id", "=", deploymentId).where(
      "sticky",
      "!=",
      "none",
    ).orderBy("hostname").execute();
  if (routes.length > 0) return routes.map(({ hostname }) => hostname);
  const live = await db.selectFrom("environments").select("slug")
    .where("workspace_id", "=", workspaceId).where("live_deployment_id", "=", deploymentId).execute();
  if (live.length > 0) return live.map(({ slug }) => `the environment "${slug}"`);
  const gradual = await db.selectFrom("gradual_switches").select("environment_slug")
    .where("deployment_id", "=", deploymentId).where("ended_at", "is", null).execute();
  return gradual.map(({ environment_slug }) => `a part of the environment "${environment_slug}"`);
}

/** True for the live deployment of an environment with this slug. By index on the live deployment. */
export async function isLiveIn(
  db: Queryable,
  slug: string,
  { deploymentId, workspaceId }: DeploymentPlace,
): Promise<boolean> {
  const row = await db.selectFrom("environments").select("id").where("workspace_id", "=", workspaceId)
    .where("live_deployment_id", "=", deploymentId).where("slug", "=", slug).executeTakeFirst();
  return row !== undefined;
}

/** Removes all routes of the environment, and appends the changes of the edges' feed. False: there were none. */
export async function removeRoutesOfEnvironment(
  tx: Tx,
  environmentId: string,
  nowMs: number,
): Promise<boolean> {
  const routes = await lockRows(
    tx,
    tx.selectFrom("frontline_routes").select(["id", "deployment_id"])
      .where("environment_id", "=", environmentId).orderBy("hostname"),
  ).execute();
  if (routes.length === 0) return false;
  await tx.deleteFrom("frontline_routes").where("environment_id", "=", environmentId).execute();
  await appendRouteChanges(tx, routes.map((row) => row.id), nowMs);
  await bumpViewRevision(tx, routes.map((row) => row.deployment_id));
  return true;
}

/** True if a host name leads to a deployment. Unique index on the host name. */
export async function hasRoute(db: Queryable, hostname: string): Promise<boolean> {
  return await db.selectFrom("frontline_routes").select("id").where("hostname", "=", hostname)
    .executeTakeFirst() !== undefined;
}
