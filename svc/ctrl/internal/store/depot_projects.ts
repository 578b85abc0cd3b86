/** Projects at Depot, each of which builds one project here. */
import type { Queryable } from "./database.ts";

/** The id of a project's Depot project, if it has one. */
export async function findDepotProject(db: Queryable, projectId: string): Promise<string | undefined> {
  const row = await db.selectFrom("projects").select("depot_project_id").where("id", "=", projectId)
    .executeTakeFirst();
  return row?.depot_project_id ?? undefined;
}

/**
 * Stores a project's Depot project, unless another one than `expected` is stored by now.
 *
 * @returns whether it was stored
 */
export async function swapDepotProject(
  db: Queryable,
  swap: {
    readonly projectId: string;
    readonly expected: string | undefined;
    readonly next: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const update = db.updateTable("projects").set({ depot_project_id: swap.next, updated_at: swap.nowMs })
    .where("id", "=", swap.projectId);
  const guarded = swap.expected === undefined
    ? update.where("depot_project_id", "is", null)
    : update.where("depot_project_id", "=", swap.expected);
  return (await guarded.executeTakeFirst()).numUpdatedRows > 0n;
}
