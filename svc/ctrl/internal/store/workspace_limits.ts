/** Limits that an operator has set for a workspace. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";

/** All that are set, by name. Primary key. */
export async function listWorkspaceLimits(
  db: Queryable,
  workspaceId: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom("workspace_limits").select(["name", "value"])
    .where("workspace_id", "=", workspaceId).execute();
  return new Map(rows.map(({ name, value }) => [name, value]));
}

/** One limit, if it is set. */
export async function findWorkspaceLimit(
  db: Queryable,
  workspaceId: string,
  name: string,
): Promise<number | undefined> {
  const row = await db.selectFrom("workspace_limits").select("value")
    .where("workspace_id", "=", workspaceId).where("name", "=", name).executeTakeFirst();
  return row?.value;
}

/** Sets a limit, in place of the one that was set. */
export async function setWorkspaceLimit(
  db: Queryable,
  limit: {
    readonly workspaceId: string;
    readonly name: string;
    readonly value: number;
    readonly nowMs: number;
  },
): Promise<void> {
  const { workspaceId: workspace_id, name, value, nowMs: updated_at } = limit;
  const row = { workspace_id, name, value, updated_at };
  await upsert(db, "workspace_limits", [row], {
    key: ["workspace_id", "name"],
    update: ["value", "updated_at"],
  });
}

/** The default holds again. */
export async function removeWorkspaceLimit(db: Queryable, workspaceId: string, name: string): Promise<void> {
  await db.deleteFrom("workspace_limits").where("workspace_id", "=", workspaceId).where("name", "=", name)
    .execute();
}
