/** Packs, and the chunks that they hold. */
import { insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { ChunksTable, PacksTable } from "./schema_content.ts";

/** Digests of one statement. */
const DIGESTS_PER_QUERY = 500;
/** A pack that was used this lately is not written again: an upload would write as many rows as it has packs. */
const TOUCH_MS = 3_600_000;

/** Records packs before their URLs are given away. */
export async function createPacks(db: Queryable, packs: readonly PacksTable[]): Promise<void> {
  if (packs.length > 0) await db.insertInto("packs").values([...packs]).execute();
}

/** Bytes of the packs of a workspace, with those that are being uploaded. Index on the workspace. */
export async function sumPacks(db: Queryable, workspaceId: string): Promise<number> {
  const row = await db.selectFrom("packs").select(({ fn }) =>
    fn.sum<number | string | null>("size_bytes").as("bytes")
  )
    .where("workspace_id", "=", workspaceId).executeTakeFirst();
  return Number(row?.bytes ?? 0);
}

/** The packs of a project with these ids, locked. */
export async function lockPacks(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
): Promise<readonly PacksTable[]> {
  if (ids.length === 0) return [];
  return await lockRows(
    tx,
    tx.selectFrom("packs").selectAll().where("project_id", "=", projectId).where("id", "in", [...ids])
      .orderBy("id"),
  ).execute();
}

/** A pack is uploaded: its chunks can be used. A chunk that another pack holds already stays where it is. */
export async function storePack(
  tx: Tx,
  packId: string,
  chunks: readonly ChunksTable[],
  nowMs: number,
): Promise<void> {
  await insertIgnore(tx, "chunks", chunks, ["project_id", "digest"]);
  await tx.updateTable("packs").set({ state: "stored", last_used_at: nowMs }).where("id", "=", packId)
    .execute();
}

/** The chunks of a project with these digests. Primary key. */
export async function findChunks(
  db: Queryable,
  projectId: string,
  digests: readonly string[],
): Promise<readonly ChunksTable[]> {
  const found: ChunksTable[] = [];
  for (let start = 0; start < digests.length; start += DIGESTS_PER_QUERY) {
    found.push(
      ...await db.selectFrom("chunks").selectAll()
        .where("project_id", "=", projectId)
        .where("digest", "in", digests.slice(start, start + DIGESTS_PER_QUERY)).execute(),
    );
  }
  return found;
}

/** The number of these chunks in each pack that holds some of them. No digest is given twice. */
export async function countChunks(
  db: Queryable,
  projectId: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let start = 0; start < digests.length; start += DIGESTS_PER_QUERY) {
    const rows = await db.selectFrom("chunks")
      .select(({ fn }) => ["pack_id", fn.countAll<number | string>().as("chunks")])
      .where("project_id", "=", projectId)
      .where("digest", "in", digests.slice(start, start + DIGESTS_PER_QUERY))
      .groupBy("pack_id").execute();
    for (const { pack_id, chunks } of rows) {
      counts.set(pack_id, (counts.get(pack_id) ?? 0) + Number(chunks));
    }
  }
  return counts;
}

/**
 * Keeps packs from being collected, and returns those that are stored. Locks their rows in the order of their ids, so that two
 * uploads and the collection never wait for each other in a circle.
 */
export async function touchPacks(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const stored = new Set<string>();
  const sorted = [...new Set(ids)].sort();
  for (let start = 0; start < sorted.length; start += DIGESTS_PER_QUERY) {
    const part = sorted.slice(start, start + DIGESTS_PER_QUERY);
    const packs = (await lockPacks(tx, projectId, part)).filter(({ state }) => state === "stored");
    for (const { id } of packs) stored.add(id);
    const old = packs.filter(({ last_used_at }) => last_used_at < nowMs - TOUCH_MS).map(({ id }) => id);
    if (old.length > 0) {
      await tx.updateTable("packs").set({ last_used_at: nowMs }).where("id", "in", old).execute();
    }
  }
  return stored;
}

/** Keys of the objects of packs, by the packs' ids. */
export async function findPackKeys(
  db: Queryable,
  projectId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const keys = new Map<string, string>();
  for (let start = 0; start < ids.length; start += DIGESTS_PER_QUERY) {
    const rows = await db.selectFrom("packs").select(["id", "object_key"])
      .where("project_id", "=", projectId).where("state", "=", "stored")
      .where("id", "in", ids.slice(start, start + DIGESTS_PER_QUERY)).execute();
    for (const { id, object_key } of rows) keys.set(id, object_key);
  }
  return keys;
}

/**
 * Forgets a chunk that its pack does not hold: the next upload sends it again. Locks the pack first, as commits do, so that none of
 * them relies on the chunk.
 */
export async function forgetChunk(tx: Tx, { project_id, digest, pack_id }: ChunksTable): Promise<void> {
  await lockPacks(tx, project_id, [pack_id]);
  await tx.deleteFrom("chunks").where("project_id", "=", project_id).where("digest", "=", digest)
    .where("pack_id", "=", pack_id).execute();
}

/** Forgets a pack that has no object any more, with its chunks: the next upload sends them again. */
export async function forgetPack(
  tx: Tx,
  { project_id, pack_id }: Pick<ChunksTable, "project_id" | "pack_id">,
): Promise<void> {
  await lockPacks(tx, project_id, [pack_id]);
  await removeChunks(tx, { project_id, pack_id });
}

/** Packs that were used at a time known only now. */
export async function usePacks(tx: Tx, ids: readonly string[], usedAtMs: number): Promise<void> {
  for (let start = 0; start < ids.length; start += DIGESTS_PER_QUERY) {
    await tx.updateTable("packs").set({ last_used_at: usedAtMs })
      .where("id", "in", ids.slice(start, start + DIGESTS_PER_QUERY)).where("last_used_at", "<", usedAtMs)
      .execute();
  }
}

/**
 * Packs to collect: half removed, offered before `offeredBeforeMs`, or not used since `beforeMs` and needed by no context; of
 * each kind the oldest first. One statement for each kind, because none with an `or` finds its rows by an index. Index on
 * state and last use.
 */
export async function listUnusedPacks(
  db: Queryable,
  options: { readonly beforeMs: number; readonly offeredBeforeMs: number; readonly limit: number },
): Promise<readonly Pick<PacksTable, "id" | "object_key">[]> {
  const packs = db.selectFrom("packs").select(["id", "object_key"]).orderBy("last_used_at");
  const kinds = [
    packs.where("state", "=", "removing"),
    packs.where("state", "=", "offered").where("last_used_at", "<", options.offeredBeforeMs),
    // A join, because MariaDB reads all of the other table for a "not exists".
    packs.leftJoin("context_packs", "context_packs.pack_id", "packs.id").where(
      "context_packs.pack_id",
      "is",
      null,
    )
      .where("state", "=", "stored").where("last_used_at", "<", options.beforeMs),
  ];
  const found: Pick<PacksTable, "id" | "object_key">[] = [];
  for (const kind of kinds) {
    if (found.length < options.limit) found.push(...await kind.limit(options.limit - found.length).execute());
  }
  return found;
}

/**
 * Takes a pack out of use, so that its object can be removed. False: it is used again, and stays.
 *
 * Looks once more under the lock that uploads and commits take, so that none of them relies on a pack that goes.
 */
export async function retirePack(
  tx: Tx,
  id: string,
  limits: { readonly beforeMs: number; readonly offeredBeforeMs: number },
): Promise<boolean> {
  const pack = await lockRows(tx, tx.selectFrom("packs").selectAll().where("id", "=", id)).executeTakeFirst();
  if (pack === undefined) return false;
  if (pack.state === "removing") return true;
  const beforeMs = pack.state === "offered" ? limits.offeredBeforeMs : limits.beforeMs;
  if (pack.last_used_at >= beforeMs) return false;
  const needed = await tx.selectFrom("context_packs").select("context_id").where("pack_id", "=", id).limit(1)
    .executeTakeFirst();
  if (needed !== undefined) return false;
  await removeChunks(tx, { project_id: pack.project_id, pack_id: id });
  return true;
}

async function removeChunks(
  tx: Tx,
  { project_id, pack_id }: Pick<ChunksTable, "project_id" | "pack_id">,
): Promise<void> {
  await tx.deleteFrom("chunks").where("project_id", "=", project_id).where("pack_id", "=", pack_id).execute();
  await tx.updateTable("packs").set({ state: "removing" }).where("id", "=", pack_id).execute();
}

/** Forgets a pack whose object is removed. */
export async function deletePack(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom("packs").where("id", "=", id).where("state", "=", "removing").execute();
}
