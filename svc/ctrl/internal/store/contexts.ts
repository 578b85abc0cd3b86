/** Build contexts by content: exact trees whose chunks are all stored. */
import { type RawBuilder, sql } from "kysely";
import { dialectOf, insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { Queryable, Tx } from "./database.ts";
import { usePacks } from "./packs.ts";
import type { ContextsTable } from "./schema_content.ts";

/** Begins a context's name in `deployments.build_context_path`. Keys of archives begin with a project's id instead. */
const PATH_PREFIX = "context/";

export function contextPath(contextId: string): string {
  return `${PATH_PREFIX}${contextId}`;
}

/** The id of a context that a path names; `undefined` for an archive. */
export function contextIdOfPath(path: string): string | undefined {
  return path.startsWith(PATH_PREFIX) ? path.slice(PATH_PREFIX.length) : undefined;
}

/** The context of a project with this root. Unique index. */
export async function findContextByRoot(
  db: Queryable,
  projectId: string,
  root: string,
): Promise<ContextsTable | undefined> {
  return await db.selectFrom("contexts").selectAll()
    .where("project_id", "=", projectId).where("root", "=", root).executeTakeFirst();
}

/** The context of a project with this id; another project's is as good as missing. */
export async function findContext(
  db: Queryable,
  projectId: string,
  id: string,
): Promise<ContextsTable | undefined> {
  return await db.selectFrom("contexts").selectAll()
    .where("id", "=", id).where("project_id", "=", projectId).executeTakeFirst();
}

/** Keeps a context from being collected. False: it is gone. */
export async function touchContext(tx: Tx, id: string, nowMs: number): Promise<boolean> {
  const found = await lockRows(tx, tx.selectFrom("contexts").select("id").where("id", "=", id))
    .executeTakeFirst();
  if (found === undefined) return false;
  await tx.updateTable("contexts").set({ last_used_at: nowMs }).where("id", "=", id).execute();
  return true;
}

/**
 * Records a context with the packs that it needs. The caller has locked them. Returns the context's id, which is another one when the
 * same tree was committed meanwhile.
 */
export async function createContext(
  tx: Tx,
  context: ContextsTable,
  packIds: readonly string[],
): Promise<string> {
  await insertIgnore(tx, "contexts", [context], ["project_id", "root"]);
  const id = (await findContextByRoot(tx, context.project_id, context.root))?.id;
  if (id !== undefined && id !== context.id) return id;
  const rows = packIds.map((pack_id) => ({ context_id: context.id, pack_id }));
  await insertIgnore(tx, "context_packs", rows, ["context_id", "pack_id"]);
  return context.id;
}

/** Contexts that were not used since `beforeMs` and that no active deployment builds from, oldest first. */
export async function listUnusedContexts(
  db: Queryable,
  options: { readonly beforeMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("contexts").select("contexts.id")
    .where("contexts.last_used_at", "<", options.beforeMs)
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployments").select("deployments.id")
          .whereRef("deployments.project_id", "=", "contexts.project_id")
          .where(sql<boolean>`deployments.build_context_path = ${pathOfColumn(db)}`)
          .where("deployments.status", "in", [...ACTIVE_STATUSES]),
      ))
    )
    .orderBy("contexts.last_used_at").limit(options.limit).execute();
  return rows.map(({ id }) => id);
}

/** SQL for `contextPath(contexts.id)`. */
function pathOfColumn(db: Queryable): RawBuilder<string> {
  return dialectOf(db) === "mysql"
    ? sql`concat(${PATH_PREFIX}, contexts.id)`
    : sql`${PATH_PREFIX} || contexts.id`;
}

/**
 * Removes a context, unless it is used again or a deployment that is under way needs it. Its packs may be collected when their own time
 * is over, which begins with the last use of the context.
 */
export async function removeContext(tx: Tx, id: string, beforeMs: number): Promise<boolean> {
  const unlocked = await tx.selectFrom("contexts").select("last_used_at").where("id", "=", id)
    .executeTakeFirst();
  if (unlocked === undefined || unlocked.last_used_at >= beforeMs) return false;
  const packs = await tx.selectFrom("context_packs").select("pack_id").where("context_id", "=", id)
    .orderBy("pack_id").execute();
  // Packs before contexts, as commits lock them.
  await usePacks(tx, packs.map(({ pack_id }) => pack_id), unlocked.last_used_at);
  const context = await lockRows(tx, tx.selectFrom("contexts").selectAll().where("id", "=", id))
    .executeTakeFirst();
  if (context === undefined || context.last_used_at >= beforeMs) return false;
  const needed = await tx.selectFrom("deployments").select("id")
    .where("project_id", "=", context.project_id).where("build_context_path", "=", contextPath(id))
    .where("status", "in", [...ACTIVE_STATUSES]).limit(1).executeTakeFirst();
  if (needed !== undefined) return false;
  await tx.deleteFrom("context_packs").where("context_id", "=", id).execute();
  await tx.deleteFrom("contexts").where("id", "=", id).execute();
  return true;
}

/**
 * Hides the contexts that need a pack from uploads, which commit them anew then: a chunk of the pack is gone. The caller has locked the
 * pack. Their rows stay, for deployments that wait with one of them and need other chunks of the pack.
 */
export async function hideContextsOfPack(tx: Tx, packId: string): Promise<void> {
  const rows = await tx.selectFrom("context_packs").select("context_id").where("pack_id", "=", packId)
    .orderBy("context_id").execute();
  for (const { context_id: id } of rows) {
    // No tree has an id for its root.
    await tx.updateTable("contexts").set({ root: id }).where("id", "=", id).execute();
  }
}
