/** Workspaces: who everything else belongs to. */
import type { WorkspaceId } from "../../../../pkg/uid/mod.ts";
import type { Queryable } from "./database.ts";
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

/** The workspace's namespace; `candidate` becomes it if there was none. `undefined`: no such workspace. */
export async function ensureWorkspaceNamespace(
  db: Queryable,
  options: { id: string; candidate: string; nowMs: number },
): Promise<string | undefined> {
  await db.updateTable("workspaces").set({ k8s_namespace: options.candidate, updated_at: options.nowMs })
    .where("id", "=", options.id).where("k8s_namespace", "is", null).execute();
  return (await findWorkspace(db, options.id))?.k8s_namespace ?? undefined;
}
