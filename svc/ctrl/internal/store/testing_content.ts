/** Rows of packs, chunks and contexts for tests. */
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import {
  type ChunksTable,
  type ContextsTable,
  createContext,
  createPacks,
  type CtrlDatabase,
  lockPacks,
  type PacksTable,
  storePack,
} from "./mod.ts";
import { NOW_MS, type Seed } from "./testing.ts";

export function newPack(seed: Seed, changes: Partial<PacksTable> = {}): PacksTable {
  const id = newId("pack", NOW_MS);
  return {
    id,
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    object_key: `${seed.projectId}/packs/${id}`,
    size_bytes: 10,
    checksum_sha256: "",
    state: "offered",
    created_at: NOW_MS,
    last_used_at: NOW_MS,
    ...changes,
  };
}

export function newChunk(pack: PacksTable, digest: string = newDnsName(43)): ChunksTable {
  return {
    project_id: pack.project_id,
    digest,
    pack_id: pack.id,
    pack_offset: 0,
    stored_bytes: 1,
    bytes: 1,
    deflated: 0,
  };
}

/** A pack that is stored, with one chunk. */
export async function seedPack(
  db: CtrlDatabase,
  seed: Seed,
  options: { readonly digest?: string; readonly usedAtMs?: number } = {},
): Promise<{ readonly pack: PacksTable; readonly chunk: ChunksTable }> {
  const pack = newPack(seed);
  const chunk = newChunk(pack, options.digest);
  await createPacks(db.kysely, [pack]);
  await transact(db, async (tx) => {
    await lockPacks(tx, seed.projectId, [pack.id]);
    await storePack(tx, pack.id, [chunk], options.usedAtMs ?? NOW_MS);
  });
  return { pack, chunk };
}

export function newContext(seed: Seed, changes: Partial<ContextsTable> = {}): ContextsTable {
  return {
    id: newId("context", NOW_MS),
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    root: newDnsName(43),
    content_id: newDnsName(43),
    manifest: "[]",
    files: 1,
    content_bytes: 1,
    created_at: NOW_MS,
    last_used_at: NOW_MS,
    ...changes,
  };
}

/** A context that needs these packs. */
export async function seedContext(
  db: CtrlDatabase,
  seed: Seed,
  packs: readonly PacksTable[],
  changes: Partial<ContextsTable> = {},
): Promise<ContextsTable> {
  const context = newContext(seed, changes);
  await transact(db, (tx) => createContext(tx, context, packs.map(({ id }) => id)));
  return context;
}
