/** Deployments: create, find, list. */
import { type SelectQueryBuilder, sql } from "kysely";
import { lockRows } from "../../../../pkg/db/mod.ts";
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendEvent } from "./events.ts";
import type { DeploymentsTable, Flag, Schema } from "./schema.ts";
import { supersedeOlderBuilds } from "./supersede.ts";

/** What the caller decides about a new deployment; the rest is given here. */
export interface NewDeployment extends
  Omit<
    DeploymentsTable,
    | "sequence"
    | "status"
    | "build_id"
    | "failure_code"
    | "error_message"
    | "failure_details"
    | "submitted_at"
    | "cancel_requested_at"
    | "next_event_sequence"
    | "updated_at"
    | "ended_at"
    | "request_fingerprint"
    | "redeploy_of"
  >,
  Partial<Pick<DeploymentsTable, "request_fingerprint" | "redeploy_of">> {}

/** A deployment, and whether this call made it. */
export interface CreatedDeployment {
  readonly deployment: DeploymentsTable;
  /** False: the workspace used the same idempotency key before, and this is what it got then. */
  readonly created: boolean;
  /** Builds that it took the place of; their workflows are to be told, so that they end now and not at their next look. */
  readonly superseded: readonly string[];
}

/**
 * Records a deployment as pending, with the next sequence of its environment and its first event. A build ends older
 * builds of its environment and branch that still wait.
 *
 * Creates of one environment take turns. With an idempotency key, only the first create in the workspace makes a row.
 *
 * @throws `not_found` when the environment does not exist
 */
export async function createDeployment(tx: Tx, deployment: NewDeployment): Promise<CreatedDeployment> {
  const environment = await lockRows(
    tx,
    tx.selectFrom("environments").select("next_sequence").where("deleted_at", "=", 0)
      .where("id", "=", deployment.environment_id).where("workspace_id", "=", deployment.workspace_id),
  ).executeTakeFirst();
  if (environment === undefined) {
    throw new Fault("not_found", `no environment "${deployment.environment_id}" to create a deployment in`);
  }
  const earlier = await findByIdempotencyKey(tx, deployment);
  if (earlier !== undefined) return { deployment: earlier, created: false, superseded: [] };

  const row: DeploymentsTable = {
    ...deployment,
    sequence: environment.next_sequence,
    status: "pending",
    request_fingerprint: deployment.request_fingerprint ?? null,
    redeploy_of: deployment.redeploy_of ?? null,
    build_id: null,
    failure_code: null,
    error_message: null,
    failure_details: null,
    submitted_at: null,
    cancel_requested_at: null,
    next_event_sequence: 1,
    updated_at: deployment.created_at,
    ended_at: null,
  };
  try {
    await tx.insertInto("deployments").values(row).execute();
  } catch (error) {
    // The same key at the same moment in another environment of the workspace.
    const winner = isFault(error, "already_exists") ? await findByIdempotencyKey(tx, deployment) : undefined;
    if (winner === undefined) throw error;
    return { deployment: winner, created: false, superseded: [] };
  }
  await tx.updateTable("environments")
    .set({ next_sequence: environment.next_sequence + 1 })
    .where("id", "=", deployment.environment_id).execute();
  await appendEvent(tx, row.id, "status", { status: "pending" }, deployment.created_at);
  const superseded = await supersedeOlderBuilds(tx, row, deployment.created_at);
  return { deployment: { ...row, next_event_sequence: 2 }, created: true, superseded };
}

async function findByIdempotencyKey(
  db: Queryable,
  { workspace_id, idempotency_key }: NewDeployment,
): Promise<DeploymentsTable | undefined> {
  if (idempotency_key === null) return undefined;
  return await findDeploymentByIdempotencyKey(db, workspace_id, idempotency_key);
}

/** What the workspace created with this key before. Unique index on workspace and key. */
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

/** A deployment with what people know it by. */
export interface DeploymentView extends DeploymentsTable {
  readonly environment_slug: string;
  readonly environment_live_deployment_id: string | null;
  readonly environment_is_rolled_back: Flag;
  readonly project_slug: string;
  readonly project_name: string;
  /** Sorted. */
  readonly hostnames: readonly string[];
  readonly desired_instances: number;
  readonly running_instances: number;
}

/** The deployment of this workspace in one statement; another workspace's is as good as missing. */
export async function findDeploymentView(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<DeploymentView | undefined> {
  const row = await selectViews(db).where("deployments.id", "=", id)
    .where("deployments.workspace_id", "=", workspaceId).executeTakeFirst();
  return row === undefined ? undefined : toView(row);
}

/** Which page of which deployments. */
export interface ListDeployments {
  readonly workspaceId: string;
  readonly projectIds?: readonly string[];
  readonly environmentId?: string;
  /** The last deployment of the page before. */
  readonly after?: { readonly createdAtMs: number; readonly id: string };
  readonly limit: number;
}

/** Deployments of the workspace, newest first. Indices on (workspace | project | environment, created_at, id). */
export async function listDeploymentViews(db: Queryable, list: ListDeployments): Promise<DeploymentView[]> {
  let query = selectViews(db).where("deployments.workspace_id", "=", list.workspaceId);
  if (list.projectIds !== undefined) {
    if (list.projectIds.length === 0) return [];
    query = query.where("deployments.project_id", "in", [...list.projectIds]);
  }
  if (list.environmentId !== undefined) {
    query = query.where("deployments.environment_id", "=", list.environmentId);
  }
  const { after } = list;
  if (after !== undefined) {
    query = query.where("deployments.created_at", "<=", after.createdAtMs).where((eb) =>
      eb.or([
        eb("deployments.created_at", "<", after.createdAtMs),
        eb("deployments.id", "<", after.id),
      ])
    );
  }
  const rows = await query.orderBy("deployments.created_at", "desc").orderBy("deployments.id", "desc")
    .limit(list.limit).execute();
  return rows.map(toView);
}

interface ViewRow extends Omit<DeploymentView, "hostnames"> {
  readonly hostnames: string | null;
}

function selectViews(
  db: Queryable,
): SelectQueryBuilder<Schema, "deployments" | "environments" | "projects", ViewRow> {
  return db.selectFrom("deployments")
    .innerJoin("environments", "environments.id", "deployments.environment_id")
    .innerJoin("projects", "projects.id", "deployments.project_id")
    .selectAll("deployments")
    .select([
      "environments.slug as environment_slug",
      "environments.live_deployment_id as environment_live_deployment_id",
      "environments.is_rolled_back as environment_is_rolled_back",
      "projects.slug as project_slug",
      "projects.name as project_name",
    ])
    .select((eb) => [
      eb.selectFrom("frontline_routes").select(sql<string>`group_concat(hostname)`.as("names"))
        .whereRef("frontline_routes.deployment_id", "=", "deployments.id").as("hostnames"),
      sql<number>`coalesce((select sum(desired_replicas) from deployment_topology
        where deployment_topology.deployment_id = deployments.id and desired_status = 'started'), 0)`
        .as("desired_instances"),
      sql<number>`(select count(*) from instances
        where instances.deployment_id = deployments.id and instances.status = 'running')`
        .as("running_instances"),
    ]);
}

/** Hostnames have no comma in them, which is what `group_concat` puts between. */
function toView(row: ViewRow): DeploymentView {
  return { ...row, hostnames: (row.hostnames ?? "").split(",").filter((each) => each !== "").sort() };
}
