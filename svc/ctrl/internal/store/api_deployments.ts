/** Deployments as the API shows them. */
import { sql } from "kysely";
import { dialectOf } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus, FailureCode } from "../deployments/status.ts";
import type { Queryable } from "./database.ts";
import type { DeploymentStepsTable, FrontlineRoutesTable } from "./schema.ts";

/** Everything that the API shows of a deployment. */
export interface ShownDeployment {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly projectSlug: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly status: DeploymentStatus;
  readonly failureCode: FailureCode | undefined;
  readonly errorMessage: string;
  readonly image: string;
  readonly buildId: string;
  readonly gitCommitSha: string;
  readonly gitBranch: string;
  readonly gitCommitMessage: string;
  readonly gitCommitAuthorHandle: string;
  readonly gitCommitAuthorAvatarUrl: string;
  readonly gitCommitTimestamp: number;
  readonly port: number;
  readonly healthCheckPath: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly live: boolean;
  readonly runningInstances: number;
  readonly regions: readonly {
    readonly region: string;
    readonly replicas: number;
    readonly started: boolean;
  }[];
  readonly steps: readonly DeploymentStepView[];
  /** The names that people use come first. */
  readonly hostnames: readonly string[];
}

/** One step of the deploy. */
export type DeploymentStepView = Readonly<Omit<DeploymentStepsTable, "deployment_id">>;

/** Which deployments a list holds. */
export interface ListFilter {
  readonly workspaceId: string;
  /** `undefined`: all projects of the workspace. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  /** Only what is older than this one. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

interface Row {
  id: string;
  workspace_id: string;
  project_id: string;
  project_slug: string;
  environment_id: string;
  environment_slug: string;
  live_deployment_id: string | null;
  status: DeploymentStatus;
  failure_code: FailureCode | null;
  error_message: string | null;
  image: string | null;
  build_id: string | null;
  git_commit_sha: string;
  git_branch: string;
  git_commit_message: string;
  git_commit_author_handle: string;
  git_commit_author_avatar_url: string;
  git_commit_timestamp: number;
  port: number;
  health_check_path: string;
  cpu_millicores: number;
  memory_mib: number;
  created_at: number;
  updated_at: number;
  running_instances: number;
  topology: unknown;
  routes: unknown;
  steps: unknown;
}

/** The deployment if it belongs to the workspace; one statement by primary key. */
export async function findShownDeployment(
  db: Queryable,
  id: string,
  workspaceId: string,
): Promise<ShownDeployment | undefined> {
  const { rows: [row] } = await sql<Row>`${
    selectShown(db)
  } where d.id = ${id} and d.workspace_id = ${workspaceId}`.execute(db);
  return row === undefined ? undefined : decodeShown(row);
}

/** Newest first; ties are ordered by id. The index on (workspace_id, created_at) serves it. */
export async function listShownDeployments(db: Queryable, filter: ListFilter): Promise<ShownDeployment[]> {
  const { workspaceId, projectIds, environmentSlug, before, limit } = filter;
  if (projectIds?.length === 0) return [];
  const conditions = [sql`d.workspace_id = ${workspaceId}`];
  if (projectIds !== undefined) conditions.push(sql`d.project_id in (${sql.join(projectIds)})`);
  if (environmentSlug !== undefined) conditions.push(sql`e.slug = ${environmentSlug}`);
  if (before !== undefined) {
    conditions.push(
      sql`(d.created_at < ${before.createdAt} or (d.created_at = ${before.createdAt} and d.id < ${before.id}))`,
    );
  }
  const { rows } = await sql<Row>`${selectShown(db)} where ${sql.join(conditions, sql` and `)}
    order by d.created_at desc, d.id desc limit ${sql.lit(limit)}`.execute(db);
  return rows.map(decodeShown);
}

/** Rows that belong to the deployment come as JSON arrays, so that one round trip reads all of it. */
function selectShown(db: Queryable) {
  const array = sql.raw(dialectOf(db) === "mysql" ? "json_arrayagg" : "json_group_array");
  return sql`select d.id, d.workspace_id, d.project_id, p.slug as project_slug, d.environment_id,
    e.slug as environment_slug, e.live_deployment_id, d.status, d.failure_code, d.error_message, d.image, d.build_id,
    d.git_commit_sha, d.git_branch, d.git_commit_message, d.git_commit_author_handle, d.git_commit_author_avatar_url,
    d.git_commit_timestamp, d.port, d.health_check_path, d.cpu_millicores, d.memory_mib, d.created_at, d.updated_at,
    (select count(*) from instances i where i.deployment_id = d.id and i.status = 'running') as running_instances,
    (select ${array}(json_object('region', t.region, 'replicas', t.desired_replicas, 'status', t.desired_status))
      from deployment_topology t where t.deployment_id = d.id) as topology,
    (select ${array}(json_object('hostname', r.hostname, 'sticky', r.sticky))
      from frontline_routes r where r.deployment_id = d.id) as routes,
    (select ${array}(json_object('name', s.name, 'status', s.status, 'message', s.message,
      'error_message', s.error_message, 'started_at', s.started_at, 'ended_at', s.ended_at))
      from deployment_steps s where s.deployment_id = d.id) as steps
    from deployments d join environments e on e.id = d.environment_id join projects p on p.id = d.project_id`;
}

interface TopologyEntry {
  region: string;
  replicas: number;
  status: "started" | "stopped";
}

const STICKY_ORDER: Record<FrontlineRoutesTable["sticky"], number> = {
  live: 0,
  environment: 1,
  branch: 2,
  none: 3,
};

function decodeShown(row: Row): ShownDeployment {
  const routes = entries<Pick<FrontlineRoutesTable, "hostname" | "sticky">>(row.routes);
  routes.sort((a, b) =>
    STICKY_ORDER[a.sticky] - STICKY_ORDER[b.sticky] || (a.hostname < b.hostname ? -1 : 1)
  );
  const topology = entries<TopologyEntry>(row.topology).sort((a, b) => a.region < b.region ? -1 : 1);
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    environmentId: row.environment_id,
    environmentSlug: row.environment_slug,
    status: row.status,
    failureCode: row.failure_code ?? undefined,
    errorMessage: row.error_message ?? "",
    image: row.image ?? "",
    buildId: row.build_id ?? "",
    gitCommitSha: row.git_commit_sha,
    gitBranch: row.git_branch,
    gitCommitMessage: row.git_commit_message,
    gitCommitAuthorHandle: row.git_commit_author_handle,
    gitCommitAuthorAvatarUrl: row.git_commit_author_avatar_url,
    gitCommitTimestamp: row.git_commit_timestamp,
    port: row.port,
    healthCheckPath: row.health_check_path,
    cpuMillicores: row.cpu_millicores,
    memoryMib: row.memory_mib,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    live: row.live_deployment_id === row.id,
    runningInstances: row.running_instances,
    regions: topology.map(({ region, replicas, status }) => ({
      region,
      replicas,
      started: status === "started",
    })),
    steps: entries<DeploymentStepView>(row.steps).sort((a, b) => a.started_at - b.started_at),
    hostnames: routes.map(({ hostname }) => hostname),
  };
}

/** MySQL hands out parsed JSON, MariaDB and SQLite text; an aggregate over nothing is null on both MySQLs. */
function entries<T>(value: unknown): T[] {
  const parsed: unknown = typeof value === "string" ? JSON.parse(value) : value;
  // The statement above built the objects, so their shape is known.
  return Array.isArray(parsed) ? parsed as T[] : [];
}
