/** Workspaces, which own all other rows. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { WorkspaceId } from "../../../../pkg/uid/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { Page } from "./page.ts";
import type { WorkspacesTable } from "./schema.ts";

/** Makes a workspace. @throws `already_exists` when the slug is taken */
export async function createWorkspace(
  db: Queryable,
  workspace: { id: WorkspaceId; name: string; slug: string; nowMs: number },
): Promise<void> {
  await db.insertInto("workspaces").values({
    id: workspace.id,
    name: workspace.name,
    slug: workspace.slug,
    k8s_namespace: null,
    created_at: workspace.nowMs,
    updated_at: workspace.nowMs,
  }).execute();
}

/** The workspace, by primary key. */
export async function findWorkspace(db: Queryable, id: string): Promise<WorkspacesTable | undefined> {
  return await db.selectFrom("workspaces").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The workspace of a slug, by its unique index. */
export async function findWorkspaceBySlug(db: Queryable, slug: string): Promise<WorkspacesTable | undefined> {
  return await db.selectFrom("workspaces").selectAll().where("slug", "=", slug).executeTakeFirst();
}

/** A page of all workspaces, newest first. */
export async function listWorkspaces(db: Queryable, { before, limit }: Page): Promise<WorkspacesTable[]> {
  let query = db.selectFrom("workspaces").selectAll();
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(limit).execute();
}

/** The workspace's namespace; `candidate` becomes it if there was none. `undefined`: no such workspace. */
export async function ensureWorkspaceNamespace(
  db: Queryable,
  options: { id: string; candidate: string; nowMs: number },
): Promise<string | undefined> {
  await db.updateTable("workspaces").set({ k8s_namespace: options.candidate, updated_at: options.nowMs })
    .where("id", "=", options.id).where("k8s_namespace", "is", null).execute();
  return (await findWorkspace(db, options.id))?.k8s_namespace ?? undefined;
}

/** Makes other callers for this workspace wait until the transaction ends. False: no such workspace. */
export async function lockWorkspace(tx: Tx, id: string): Promise<boolean> {
  const query = tx.selectFrom("workspaces").select("id").where("id", "=", id);
  return await lockRows(tx, query).executeTakeFirst() !== undefined;
}
