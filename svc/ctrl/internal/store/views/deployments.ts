/** Deployments as the API shows them. */
import { sql } from "kysely";
import type { DeploymentStatus, FailureCode, FailureDetails } from "../../deployments/status.ts";
import { listQueuePlaces, type ShownQueue } from "./queue.ts";
import type { Queryable } from "../database.ts";
import type { ShownMemory } from "./cache.ts";
import { listShownParts, listShownRows, SHOWN, type ShownRow, toShown } from "./rows.ts";

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
  /** What the environment's live traffic goes to; empty: nothing. */
  readonly environmentLiveDeploymentId: string;
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

/**
 * Those of `ids` that exist, whatever their workspace. One statement by primary keys while all is as `memory` has it, and
 * otherwise one more, or two when builds wait.
 */
export async function listShownByIds(
  db: Queryable,
  ids: readonly string[],
  memory?: ShownMemory,
): Promise<ReadonlyMap<string, ShownDeployment>> {
  const rows = await listShownRows(db, ids);
  const shown = new Map<string, ShownDeployment>();
  for (const row of rows) {
    const known = memory?.recall(row);
    if (known !== undefined) shown.set(row.id, known);
  }
  const changed = rows.filter((row) => !shown.has(row.id));
  // After the rows: what is remembered with a row may be newer than it, and never older.
  const parts = await listShownParts(db, changed.map((row) => row.id));
  const places = await placesOf(db, changed);
  for (const row of changed) {
    const made = toShown(row, parts.get(row.id) ?? [], places.get(row.id));
    shown.set(row.id, made);
    memory?.keep(row, made);
  }
  return shown;
}

/** Asks only when one of them is queued, which few are. */
function placesOf(db: Queryable, rows: readonly ShownRow[]): Promise<ReadonlyMap<string, ShownQueue>> {
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
  const { rows } = await sql<ShownRow>`${sql.raw(SHOWN)} where ${sql.join(conditions, sql` and `)}
    order by d.created_at desc, d.id desc limit ${sql.lit(limit)}`.execute(db);
  const parts = await listShownParts(db, rows.map(({ id }) => id));
  const places = await placesOf(db, rows);
  return rows.map((row) => toShown(row, parts.get(row.id) ?? [], places.get(row.id)));
}
