/** What moving an environment's traffic reads and locks. */
import { sql } from "kysely";
import { lockRows } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentsTable, EnvironmentsTable, FrontlineRoutesTable } from "./schema.ts";

/** The environment, locked until the transaction ends; `undefined` also for a deleted one. */
export async function lockEnvironment(tx: Tx, id: string): Promise<EnvironmentsTable | undefined> {
  return await lockRows(
    tx,
    tx.selectFrom("environments").selectAll().where("id", "=", id).where("deleted_at", "=", 0),
  )
    .executeTakeFirst();
}

/** The deployment, locked until the transaction ends. */
export async function lockDeployment(tx: Tx, id: string): Promise<DeploymentsTable | undefined> {
  return await lockRows(tx, tx.selectFrom("deployments").selectAll().where("id", "=", id)).executeTakeFirst();
}

/** What the names of a deployment are made of. */
export interface DeploymentSlugs {
  readonly project: string;
  readonly environment: string;
  readonly workspace: string;
}

/** The slugs above a deployment, by primary keys. */
export async function findSlugs(db: Queryable, deploymentId: string): Promise<DeploymentSlugs | undefined> {
  return await db.selectFrom("deployments")
    .innerJoin("projects", "projects.id", "deployments.project_id")
    .innerJoin("environments", "environments.id", "deployments.environment_id")
    .innerJoin("workspaces", "workspaces.id", "deployments.workspace_id")
    .where("deployments.id", "=", deploymentId)
    .select(["projects.slug as project", "environments.slug as environment", "workspaces.slug as workspace"])
    .executeTakeFirst();
}

/** Who has a hostname now. */
export interface RouteHolder
  extends Pick<FrontlineRoutesTable, "hostname" | "deployment_id" | "environment_id"> {
  readonly sequence: number;
  readonly created_at: number;
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
      "deployments.environment_id",
      "deployments.sequence",
      "deployments.created_at",
    ]).execute();
}

/** How many instances of the deployment run. Index on deployment and region. */
export async function countRunningInstances(db: Queryable, deploymentId: string): Promise<number> {
  const row = await db.selectFrom("instances").select((eb) => eb.fn.countAll<number>().as("count"))
    .where("deployment_id", "=", deploymentId).where("status", "=", "running").executeTakeFirst();
  return row?.count ?? 0;
}

/**
 * Ready deployments of the environment that nothing but their own commit's name leads to, the one that was live last
 * first. Neither the live one nor one that a branch, environment or live name leads to is among them, nor one whose
 * start is under way.
 */
export async function listIdleDeployments(
  db: Queryable,
  environmentId: string,
  limit: number,
): Promise<{ readonly id: string; readonly lastLive: number }[]> {
  return await db.selectFrom("deployments").select("id")
    .select(({ selectFrom, fn }) =>
      fn.coalesce(
        selectFrom("live_history").select((eb) => eb.fn.max("live_history.sequence").as("newest"))
          .where("live_history.environment_id", "=", environmentId)
          .whereRef("live_history.deployment_id", "=", "deployments.id"),
        sql<number>`0`,
      ).as("lastLive")
    )
    .where("environment_id", "=", environmentId).where("status", "=", "ready")
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("frontline_routes").select(sql<number>`1`.as("one"))
          .whereRef("frontline_routes.deployment_id", "=", "deployments.id")
          .where("sticky", "!=", "none"),
      ))
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("environments").select(sql<number>`1`.as("one"))
          .whereRef("environments.live_deployment_id", "=", "deployments.id"),
      ))
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployment_starts").select(sql<number>`1`.as("one"))
          .whereRef("deployment_starts.deployment_id", "=", "deployments.id"),
      ))
    )
    .orderBy("lastLive", "desc").orderBy("sequence", "desc").limit(limit).execute();
}

/**
 * What leads to the deployment besides its own commit's name: host names, or the environment whose live one it is. Empty
 * when it serves nothing.
 */
export async function listServed(db: Queryable, deploymentId: string): Promise<readonly string[]> {
  const routes = await db.selectFrom("frontline_routes").select("hostname")
    .where("deployment_id", "=", deploymentId).where("sticky", "!=", "none").orderBy("hostname").execute();
  if (routes.length > 0) return routes.map(({ hostname }) => hostname);
  const live = await db.selectFrom("environments").select("slug")
    .where("live_deployment_id", "=", deploymentId).execute();
  return live.map(({ slug }) => `the environment "${slug}"`);
}

/** Who serves the environment. @throws `not_found` when there is no such environment */
export async function findEnvironmentPointer(
  db: Queryable,
  id: string,
): Promise<{ readonly liveDeploymentId: string | undefined; readonly rolledBack: boolean }> {
  const row = await db.selectFrom("environments").select(["live_deployment_id", "is_rolled_back"])
    .where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw publicFault("not_found", `There is no environment ${id}.`);
  return { liveDeploymentId: row.live_deployment_id ?? undefined, rolledBack: row.is_rolled_back === 1 };
}
