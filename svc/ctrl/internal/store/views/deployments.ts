/** Deployments as the API shows them. */
import { sql } from "kysely";
import { listQueuePlaces } from "./queue.ts";
import type { Queryable } from "../database.ts";
import type { DeploymentViewCache } from "./cache.ts";
import {
  type DeploymentViewRow,
  listViewParts,
  listViewRows,
  SELECT_VIEW_ROWS,
  toDeploymentView,
} from "./rows.ts";
import type { DeploymentView, QueuePlace } from "./types.ts";

export interface ListFilter {
  readonly workspaceId: string;
  /** `undefined`: all projects of the workspace. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  /** Only older deployments than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/**
 * The existing deployments among `ids`, of any workspace. One statement by primary keys while `cache` has them all, and
 * otherwise one more, or two when builds wait.
 */
export async function listDeploymentViewsByIds(
  db: Queryable,
  ids: readonly string[],
  cache?: DeploymentViewCache,
): Promise<ReadonlyMap<string, DeploymentView>> {
  const rows = await listViewRows(db, ids);
  const shown = new Map<string, DeploymentView>();
  for (const row of rows) {
    const known = cache?.get(row);
    if (known !== undefined) shown.set(row.id, known);
  }
  const changed = rows.filter((row) => !shown.has(row.id));
  // After the rows: the parts that are cached with a row may be newer than it, and never older.
  const parts = await listViewParts(db, changed.map((row) => row.id));
  const places = await placesOf(db, changed);
  for (const row of changed) {
    const made = toDeploymentView(row, parts.get(row.id) ?? [], places.get(row.id));
    shown.set(row.id, made);
    cache?.set(row, made);
  }
  return shown;
}

/** One statement when a row is queued, which few are, and none otherwise. */
function placesOf(
  db: Queryable,
  rows: readonly DeploymentViewRow[],
): Promise<ReadonlyMap<string, QueuePlace>> {
  const queued = rows.filter((row) => row.status === "queued");
  return listQueuePlaces(db, queued.map((row) => row.workspace_id));
}

/** Newest first; ties are ordered by id. The index on (workspace_id, created_at, id) serves it. */
export async function listDeploymentViews(db: Queryable, filter: ListFilter): Promise<DeploymentView[]> {
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
  const { rows } = await sql<DeploymentViewRow>`${sql.raw(SELECT_VIEW_ROWS)} where ${
    sql.join(conditions, sql` and `)
  }
    order by d.created_at desc, d.id desc limit ${sql.lit(limit)}`.execute(db);
  const parts = await listViewParts(db, rows.map(({ id }) => id));
  const places = await placesOf(db, rows);
  return rows.map((row) => toDeploymentView(row, parts.get(row.id) ?? [], places.get(row.id)));
}
