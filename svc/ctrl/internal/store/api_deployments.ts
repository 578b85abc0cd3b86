/** Deployments as the API shows them. */
import { CompiledQuery, sql } from "kysely";
import type { DeploymentStatus, FailureCode, FailureDetails } from "../deployments/status.ts";
import { listQueuePlaces, type ShownQueue } from "./api_queue.ts";
import type { Queryable } from "./database.ts";

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
  readonly failureDetails: FailureDetails | undefined;
  readonly image: string;
  /** Its image is no longer kept: it cannot run again. */
  readonly imageRemoved: boolean;
  readonly buildId: string;
  /** Empty: made from a source of its own. */
  readonly redeployOf: string;
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
  readonly environmentRolledBack: boolean;
  /** A cancel was asked for, or has moved its traffic back. */
  readonly cancelRequested: boolean;
  readonly runningInstances: number;
  readonly regions: readonly {
    readonly region: string;
    readonly replicas: number;
    readonly started: boolean;
  }[];
  readonly steps: readonly ShownStep[];
  /** The names that people use come first. */
  readonly hostnames: readonly string[];
  /** Only while it waits for a build slot. */
  readonly queue: ShownQueue | undefined;
}

/** One step of the deploy. */
export interface ShownStep {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly errorMessage: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
}

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
  is_rolled_back: number;
  cancel_requested_at: number | null;
  status: DeploymentStatus;
  failure_code: FailureCode | null;
  error_message: string | null;
  failure_details: string | null;
  image: string | null;
  image_removed_at: number | null;
  build_id: string | null;
  redeploy_of: string | null;
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
}

/** Those of `ids` that exist, whatever their workspace. Two statements by primary key, however many ids, and one more when builds wait. */
export async function listShownByIds(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ShownDeployment>> {
  if (ids.length === 0) return new Map();
  const [{ rows }, parts] = await Promise.all([
    db.executeQuery<Row>(CompiledQuery.raw(shownByIdsSql(ids.length), [...ids])),
    listParts(db, ids),
  ]);
  const places = await placesOf(db, rows);
  return new Map(rows.map((row) => [row.id, toShown(row, parts.get(row.id) ?? [], places.get(row.id))]));
}

/** Asks only when one of them is queued, which few are. */
function placesOf(db: Queryable, rows: readonly Row[]): Promise<ReadonlyMap<string, ShownQueue>> {
  const queued = rows.filter((row) => row.status === "queued");
  return listQueuePlaces(db, queued.map((row) => row.workspace_id));
}

/** Newest first; ties are ordered by id. The index on (workspace_id, created_at, id) serves it. */
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
  const { rows } = await sql<Row>`${sql.raw(SHOWN)} where ${sql.join(conditions, sql` and `)}
    order by d.created_at desc, d.id desc limit ${sql.lit(limit)}`.execute(db);
  const parts = await listParts(db, rows.map(({ id }) => id));
  const places = await placesOf(db, rows);
  return rows.map((row) => toShown(row, parts.get(row.id) ?? [], places.get(row.id)));
}

const SHOWN = `select d.id, d.workspace_id, d.project_id, p.slug as project_slug, d.environment_id,
  e.slug as environment_slug, e.live_deployment_id, e.is_rolled_back, d.cancel_requested_at, d.status, d.failure_code, d.error_message, d.failure_details, d.image, d.image_removed_at, d.build_id, d.redeploy_of,
  d.git_commit_sha, d.git_branch, d.git_commit_message, d.git_commit_author_handle, d.git_commit_author_avatar_url,
  d.git_commit_timestamp, d.port, d.health_check_path, d.cpu_millicores, d.memory_mib, d.created_at, d.updated_at
  from deployments d join environments e on e.id = d.environment_id join projects p on p.id = d.project_id`;

/** Written out and not composed, because these two are asked for more often than everything else together. */
const shownByIdsSql = byCount((marks) => `${SHOWN} where d.id in (${marks})`);

/** A row that belongs to a deployment; what the columns hold depends on the kind. */
interface Part {
  readonly kind: "topology" | "step" | "route" | "running";
  readonly deployment_id: string;
  readonly name: string;
  readonly state: string;
  readonly text: string;
  readonly error: string;
  readonly number: number;
  readonly ended: number | null;
}

/** All rows that belong to the deployments, in one statement: on MySQL that is far cheaper than one per table. */
async function listParts(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly Part[]>> {
  if (ids.length === 0) return new Map();
  const values = [...ids, ...ids, ...ids, ...ids];
  const { rows } = await db.executeQuery<Part>(CompiledQuery.raw(partsSql(ids.length), values));
  const parts = new Map<string, Part[]>(ids.map((id) => [id, []]));
  for (const row of rows) parts.get(row.deployment_id)?.push(row);
  return parts;
}

const partsSql = byCount((marks) =>
  `select 'topology' as kind, deployment_id, region as name, desired_status as state, '' as text, '' as error,
    desired_replicas as number, null as ended from deployment_topology where deployment_id in (${marks})
  union all select 'step', deployment_id, name, status, message, error_message, started_at, ended_at
    from deployment_steps where deployment_id in (${marks})
  union all select 'route', deployment_id, hostname, sticky, '', '', 0, null
    from frontline_routes where deployment_id in (${marks})
  union all select 'running', deployment_id, '', '', '', '', count(*), null
    from instances where deployment_id in (${marks}) and status = 'running' group by deployment_id`
);

/** A statement per number of parameters, made once. Callers bound the number. */
function byCount(text: (marks: string) => string): (count: number) => string {
  const made = new Map<number, string>();
  return (count) => {
    const known = made.get(count) ?? text(Array.from({ length: count }, () => "?").join(", "));
    made.set(count, known);
    return known;
  };
}

const STICKY_ORDER: Readonly<Record<string, number>> = { live: 0, environment: 1, branch: 2, none: 3 };

function toShown(row: Row, parts: readonly Part[], queue: ShownQueue | undefined): ShownDeployment {
  const of = (kind: Part["kind"]): Part[] => parts.filter((part) => part.kind === kind);
  const routes = of("route").sort((a, b) =>
    (STICKY_ORDER[a.state] ?? 4) - (STICKY_ORDER[b.state] ?? 4) || (a.name < b.name ? -1 : 1)
  );
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    environmentId: row.environment_id,
    // A deleted environment has its id behind its name.
    environmentSlug: row.environment_slug.replace(/:.*$/, ""),
    status: row.status,
    failureCode: row.failure_code ?? undefined,
    errorMessage: row.error_message ?? "",
    failureDetails: decodeDetails(row.failure_details),
    image: row.image ?? "",
    imageRemoved: row.image_removed_at !== null,
    buildId: row.build_id ?? "",
    redeployOf: row.redeploy_of ?? "",
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
    environmentRolledBack: row.is_rolled_back === 1,
    cancelRequested: row.cancel_requested_at !== null,
    runningInstances: of("running")[0]?.number ?? 0,
    regions: of("topology").sort((a, b) => a.name < b.name ? -1 : 1)
      .map(({ name, state, number }) => ({ region: name, replicas: number, started: state === "started" })),
    steps: of("step").sort((a, b) => a.number - b.number).map((step) => ({
      name: step.name,
      status: step.state,
      message: step.text,
      errorMessage: step.error,
      startedAt: step.number,
      endedAt: step.ended ?? undefined,
    })),
    hostnames: routes.map(({ name }) => name),
    queue,
  };
}

/** Only `moveStatus` writes these, from typed values. */
function decodeDetails(json: string | null): FailureDetails | undefined {
  return json === null ? undefined : JSON.parse(json) as FailureDetails;
}
