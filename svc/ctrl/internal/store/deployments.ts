/** Deployments: find, lock and list. */
import { sql } from "kysely";
import { lockRows } from "../../../../pkg/db/mod.ts";
import { ACTIVE_STATUSES, type DeploymentStatus } from "../deployments/status.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentsTable } from "./schema.ts";

/** The deployment that the workspace created with this key before. Unique index on workspace and key. */
export async function findDeploymentByIdempotencyKey(
  db: Queryable,
  workspaceId: string,
  key: string,
): Promise<DeploymentsTable | undefined> {
  return await db.selectFrom("deployments").selectAll()
    .where("workspace_id", "=", workspaceId).where("idempotency_key", "=", key).executeTakeFirst();
}

/** The deployment, by primary key, whatever its workspace: for workflows. */
export async function findDeployment(db: Queryable, id: string): Promise<DeploymentsTable | undefined> {
  return await db.selectFrom("deployments").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The deployment that runs under this name. Unique index on `k8s_name`. */
export async function findDeploymentByName(
  db: Queryable,
  k8sName: string,
): Promise<DeploymentsTable | undefined> {
  return await db.selectFrom("deployments").selectAll().where("k8s_name", "=", k8sName).executeTakeFirst();
}

/** The deployment, locked until the transaction ends. */
export async function lockDeployment(tx: Tx, id: string): Promise<DeploymentsTable | undefined> {
  return await lockRows(tx, tx.selectFrom("deployments").selectAll().where("id", "=", id)).executeTakeFirst();
}

/** Slugs in the hostnames of a deployment. */
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

/** Columns that the placement of a deployment finds out. */
export interface PlacementFacts {
  readonly id: string;
  /** The host that health checks name. */
  readonly checkHost: string | null;
  readonly imageConfig: string | null;
  readonly port: number;
}

/** Notes what the placement found out. */
export async function setPlacementFacts(
  tx: Tx,
  { id, checkHost, imageConfig, port }: PlacementFacts,
): Promise<void> {
  await tx.updateTable("deployments")
    .set({ health_check_host: checkHost, image_config: imageConfig, port })
    .where("id", "=", id).execute();
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
          .where("environments.id", "=", environmentId)
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

/** A deployment that has a workflow or should run somewhere. */
export interface BusyDeployment {
  readonly id: string;
  readonly status: DeploymentStatus;
}

/** Deployments of the environment whose workflow is under way, oldest first. */
export async function listActiveDeployments(tx: Tx, environmentId: string): Promise<BusyDeployment[]> {
  return await tx.selectFrom("deployments").select(["id", "status"])
    .where("environment_id", "=", environmentId).where("status", "in", [...ACTIVE_STATUSES])
    .orderBy("created_at").execute();
}

/** Deployments of a branch that run, or whose workflow is under way, oldest first. By index on the status. */
export async function listOfBranch(
  db: Queryable,
  { environmentIds, branch, running, limit }: {
    readonly environmentIds: readonly string[];
    readonly branch: string;
    readonly running: boolean;
    readonly limit: number;
  },
): Promise<readonly string[]> {
  if (environmentIds.length === 0) return [];
  const rows = await db.selectFrom("deployments").select("id")
    .where("status", "in", running ? ["ready"] : [...ACTIVE_STATUSES])
    .where("environment_id", "in", [...environmentIds]).where("git_branch", "=", branch)
    .orderBy("created_at").orderBy("id").limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** Deployments of the environment that should run somewhere, oldest first. They are locked until the transaction ends. */
export async function lockStartedDeployments(tx: Tx, environmentId: string): Promise<BusyDeployment[]> {
  const query = tx.selectFrom("deployments").select(["id", "status"])
    .where("environment_id", "=", environmentId)
    .where((eb) =>
      eb.exists(
        eb.selectFrom("deployment_topology").select("deployment_topology.region")
          .whereRef("deployment_topology.deployment_id", "=", "deployments.id")
          .where("deployment_topology.desired_status", "=", "started"),
      )
    )
    .orderBy("created_at");
  return await lockRows(tx, query).execute();
}

/** The environment that the deployment belongs to, by primary key; empty when there is no such deployment. */
export async function findEnvironmentOfDeployment(db: Queryable, deploymentId: string): Promise<string> {
  const row = await db.selectFrom("deployments").select("environment_id").where("id", "=", deploymentId)
    .executeTakeFirst();
  return row?.environment_id ?? "";
}
