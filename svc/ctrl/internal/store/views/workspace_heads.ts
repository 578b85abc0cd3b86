/** A mark for each object that pages of a workspace show: it changes with the object, so that only changed ones are read again. */
import { sql } from "kysely";
import type { Queryable } from "../database.ts";

/** The kinds of objects that are watched. */
export type WatchedObject = "deployment" | "environment" | "switch" | "domain" | "audit_entry";

export interface WorkspaceHead {
  readonly object: WatchedObject;
  readonly id: string;
  /** Empty: it belongs to no project. */
  readonly projectId: string;
  readonly mark: string;
}

const DEPLOYMENTS_MAX = 100;
const ENVIRONMENTS_MAX = 1_000;
const DOMAINS_MAX = 500;
const SWITCHES_MAX = 20;
const ENTRIES_MAX = 20;

/** The newest deployments and those that are live, all environments and domains, the newest switches and acts. By indices. */
export async function listWorkspaceHeads(db: Queryable, workspaceId: string): Promise<WorkspaceHead[]> {
  const newest = await sql<DeploymentHead>`${sql.raw(SELECT_DEPLOYMENT_HEADS)}
    where d.workspace_id = ${workspaceId}
    order by d.created_at desc, d.id desc limit ${sql.lit(DEPLOYMENTS_MAX)}`.execute(db);
  const environments = await db.selectFrom("projects as p")
    .innerJoin(
      "environments as e",
      (join) => join.onRef("e.project_id", "=", "p.id").onRef("e.workspace_id", "=", "p.workspace_id"),
    )
    .select(["e.id", "e.project_id", "e.live_deployment_id", "e.is_rolled_back", "e.updated_at"])
    .where("p.workspace_id", "=", workspaceId).where("e.deleted_at", "=", 0)
    .orderBy("e.id").limit(ENVIRONMENTS_MAX).execute();
  const known = new Set(newest.rows.map(({ id }) => id));
  const live = environments.flatMap(({ live_deployment_id: id }) => id === null || known.has(id) ? [] : [id]);
  const deployments = [...newest.rows, ...await listDeploymentHeads(db, workspaceId, live)];
  return [
    ...deployments.map(({ id, project_id, status, updated_at, next_event_sequence, revision }) =>
      head("deployment", { id, project_id }, status, updated_at, next_event_sequence, revision)
    ),
    ...environments.map(({ id, project_id, live_deployment_id, is_rolled_back, updated_at }) =>
      head("environment", { id, project_id }, live_deployment_id, is_rolled_back, updated_at)
    ),
    ...await listSwitchHeads(db, workspaceId),
    ...await listDomainHeads(db, workspaceId),
    ...await listEntryHeads(db, workspaceId),
  ];
}

interface DeploymentHead {
  readonly id: string;
  readonly project_id: string;
  readonly status: string;
  readonly updated_at: number;
  readonly next_event_sequence: number;
  readonly revision: number;
}

const SELECT_DEPLOYMENT_HEADS = `select d.id, d.project_id, d.status, d.updated_at, d.next_event_sequence,
  coalesce(v.revision, 0) as revision
  from deployments d left join shown_revisions v on v.deployment_id = d.id`;

async function listDeploymentHeads(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<readonly DeploymentHead[]> {
  if (ids.length === 0) return [];
  const found = await sql<DeploymentHead>`${sql.raw(SELECT_DEPLOYMENT_HEADS)}
    where d.workspace_id = ${workspaceId} and d.id in (${sql.join(ids)})`.execute(db);
  return found.rows;
}

async function listSwitchHeads(db: Queryable, workspaceId: string): Promise<WorkspaceHead[]> {
  const rows = await db.selectFrom("traffic_switches").select([
    "id",
    "project_id",
    "superseded_at",
    "ended_at",
  ])
    .where("workspace_id", "=", workspaceId).orderBy("created_at", "desc").orderBy("id", "desc")
    .limit(SWITCHES_MAX).execute();
  return rows.map((row) => head("switch", row, row.superseded_at, row.ended_at));
}

async function listDomainHeads(db: Queryable, workspaceId: string): Promise<WorkspaceHead[]> {
  const rows = await db.selectFrom("custom_domains").select(["id", "project_id", "updated_at", "checked_at"])
    .where("workspace_id", "=", workspaceId).orderBy("hostname").limit(DOMAINS_MAX).execute();
  return rows.map((row) => head("domain", row, row.updated_at, row.checked_at));
}

async function listEntryHeads(db: Queryable, workspaceId: string): Promise<WorkspaceHead[]> {
  const rows = await db.selectFrom("audit_log").select(["id", "project_id"])
    .where("workspace_id", "=", workspaceId).orderBy("created_at", "desc").orderBy("id", "desc")
    .limit(ENTRIES_MAX).execute();
  return rows.map((row) => head("audit_entry", row));
}

function head(
  object: WatchedObject,
  { id, project_id: projectId }: { readonly id: string; readonly project_id: string },
  ...marks: readonly (string | number | null)[]
): WorkspaceHead {
  return { object, id, projectId, mark: marks.join(" ") };
}
