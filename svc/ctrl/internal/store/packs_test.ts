import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { SHARED_DATABASES } from "../../../../pkg/testkit/databases.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { newChunk, newPack, seedContext, seedPack } from "./testing_content.ts";
import {
  countChunks,
  createPacks,
  type CtrlDatabase,
  deletePack,
  findChunks,
  findPackKeys,
  forgetChunk,
  forgetPack,
  hideContextsOfPack,
  listUnusedPacks,
  retirePack,
  storePack,
  sumPacks,
  touchPacks,
} from "./mod.ts";

const test = testOnCtrlDatabases();
const HOUR_MS = 3_600_000;
/** Everything that was last used at `NOW_MS` is old. */
const LATER = { beforeMs: NOW_MS + 1, offeredBeforeMs: NOW_MS + 1 };

async function unused(db: CtrlDatabase, limits = LATER): Promise<ReadonlySet<string>> {
  return new Set((await listUnusedPacks(db.kysely, { ...limits, limit: 10_000 })).map(({ id }) => id));
}

function retire(db: CtrlDatabase, id: string, limits = LATER): Promise<boolean> {
  return transact(db, (tx) => retirePack(tx, id, limits));
}

async function usedAt(db: CtrlDatabase, id: string): Promise<number | undefined> {
  return (await db.kysely.selectFrom("packs").select("last_used_at").where("id", "=", id)
    .executeTakeFirst())?.last_used_at;
}

test("a chunk is found by its own project only, and stays in the pack that had it first", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const { pack, chunk } = await seedPack(db, seed);
  await seedPack(db, seed, { digest: chunk.digest });
  assert.deepEqual(await findChunks(db.kysely, seed.projectId, [chunk.digest, "unknown"]), [chunk]);
  assert.deepEqual(await findChunks(db.kysely, other.projectId, [chunk.digest]), []);
  assert.deepEqual([...await findPackKeys(db.kysely, seed.projectId, [pack.id])], [[
    pack.id,
    pack.object_key,
  ]]);
  assert.equal((await findPackKeys(db.kysely, other.projectId, [pack.id])).size, 0);
  const touched = await transact(
    db,
    (tx) => touchPacks(tx, other.projectId, [pack.id], NOW_MS + 9 * HOUR_MS),
  );
  assert.equal(touched.size, 0, "another project keeps nothing of this one");
  assert.equal(await usedAt(db, pack.id), NOW_MS);
});

test("more chunks than one statement takes are stored and found", async (db) => {
  const seed = await seedProject(db);
  const pack = newPack(seed);
  await createPacks(db.kysely, [pack]);
  const chunks = Array.from({ length: 1_201 }, () => newChunk(pack));
  await transact(db, (tx) => storePack(tx, pack.id, chunks, NOW_MS));
  const found = await findChunks(db.kysely, seed.projectId, chunks.map(({ digest }) => digest));
  assert.equal(found.length, chunks.length);
});

test("chunks are counted by their packs", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const digests: string[] = [];
  const expected = new Map<string, number>();
  for (const count of [700, 1, 600]) {
    const pack = newPack(seed);
    await createPacks(db.kysely, [pack]);
    const chunks = Array.from({ length: count }, () => newChunk(pack));
    await transact(db, (tx) => storePack(tx, pack.id, chunks, NOW_MS));
    digests.push(...chunks.map(({ digest }) => digest));
    expected.set(pack.id, count);
  }
  assert.deepEqual(await countChunks(db.kysely, seed.projectId, [...digests, "unknown"]), expected);
  assert.equal((await countChunks(db.kysely, other.projectId, digests)).size, 0);
});

test("the bytes of a workspace's packs count from the offer on", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  assert.equal(await sumPacks(db.kysely, seed.workspaceId), 0);
  await createPacks(db.kysely, [newPack(seed, { size_bytes: 5 }), newPack(seed, { size_bytes: 6 })]);
  await createPacks(db.kysely, [newPack(other, { size_bytes: 100 })]);
  assert.equal(await sumPacks(db.kysely, seed.workspaceId), 11);
});

test("touchPacks() writes once an hour, and names the packs that are stored", async (db) => {
  const seed = await seedProject(db);
  const { pack } = await seedPack(db, seed);
  const offered = newPack(seed);
  await createPacks(db.kysely, [offered]);
  const touch = (nowMs: number) =>
    transact(db, (tx) => touchPacks(tx, seed.projectId, [pack.id, offered.id, pack.id, "pack_none"], nowMs));
  assert.deepEqual([...await touch(NOW_MS + HOUR_MS)], [pack.id]);
  assert.equal(await usedAt(db, pack.id), NOW_MS);
  await touch(NOW_MS + HOUR_MS + 1);
  assert.equal(await usedAt(db, pack.id), NOW_MS + HOUR_MS + 1);
});

test("a pack is collected when it is old and no context needs it", async (db) => {
  const seed = await seedProject(db);
  const [needed, unneeded, fresh] = [
    await seedPack(db, seed),
    await seedPack(db, seed),
    await seedPack(db, seed, { usedAtMs: NOW_MS + 1 }),
  ];
  await seedContext(db, seed, [needed.pack]);
  const list = await unused(db);
  assert.deepEqual(
    [needed, unneeded, fresh].map(({ pack }) => list.has(pack.id)),
    [false, true, false],
  );
  assert.equal(await retire(db, needed.pack.id), false);
  assert.equal(await retire(db, fresh.pack.id), false);
  assert.equal(await retire(db, "pack_none"), false);
  assert.equal(await retire(db, unneeded.pack.id), true);
  assert.deepEqual(await findChunks(db.kysely, seed.projectId, [unneeded.chunk.digest]), []);
  assert.equal((await findPackKeys(db.kysely, seed.projectId, [unneeded.pack.id])).size, 0);
  const touched = await transact(db, (tx) => touchPacks(tx, seed.projectId, [unneeded.pack.id], NOW_MS + 1));
  assert.equal(touched.size, 0, "what is being removed cannot be used again");
});

test("a pack that is half removed is listed and retired again until its row is gone", async (db) => {
  const seed = await seedProject(db);
  const { pack } = await seedPack(db, seed);
  await deletePack(db.kysely, pack.id);
  assert.equal(await usedAt(db, pack.id), NOW_MS, "only a retired pack is deleted");
  assert.ok(await retire(db, pack.id));
  const early = { beforeMs: 0, offeredBeforeMs: 0 };
  assert.ok((await unused(db, early)).has(pack.id));
  assert.ok(await retire(db, pack.id, early));
  await deletePack(db.kysely, pack.id);
  assert.equal(await usedAt(db, pack.id), undefined);
});

test("an offered pack has a time of its own", async (db) => {
  const seed = await seedProject(db);
  const pack = newPack(seed);
  await createPacks(db.kysely, [pack]);
  const early = { beforeMs: NOW_MS + 1, offeredBeforeMs: NOW_MS };
  assert.ok(!(await unused(db, early)).has(pack.id));
  assert.equal(await retire(db, pack.id, early), false);
  const late = { beforeMs: NOW_MS, offeredBeforeMs: NOW_MS + 1 };
  assert.ok((await unused(db, late)).has(pack.id));
  assert.equal(await retire(db, pack.id, late), true);
});

test("a chunk is forgotten only where it was found to be wrong", async (db) => {
  const seed = await seedProject(db);
  const { chunk } = await seedPack(db, seed);
  await transact(db, (tx) => forgetChunk(tx, { ...chunk, pack_id: "pack_before" }));
  assert.equal((await findChunks(db.kysely, seed.projectId, [chunk.digest])).length, 1);
  await transact(db, (tx) => forgetChunk(tx, chunk));
  assert.equal((await findChunks(db.kysely, seed.projectId, [chunk.digest])).length, 0);
});

test("a pack without an object is forgotten with its chunks, and collected", async (db) => {
  const seed = await seedProject(db);
  const { pack, chunk } = await seedPack(db, seed);
  await transact(db, (tx) => forgetPack(tx, chunk));
  assert.equal((await findChunks(db.kysely, seed.projectId, [chunk.digest])).length, 0);
  assert.ok((await unused(db, { beforeMs: 0, offeredBeforeMs: 0 })).has(pack.id));
});

test("the collection waits for a transaction that uses the pack, and leaves it then", async (db) => {
  const seed = await seedProject(db);
  const { pack } = await seedPack(db, seed);
  const [locked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const using = transact(db, async (tx) => {
    await touchPacks(tx, seed.projectId, [pack.id], NOW_MS + 2 * HOUR_MS);
    locked.resolve();
    await go.promise;
  });
  await locked.promise;
  const retired = retire(db, pack.id, { beforeMs: NOW_MS + HOUR_MS, offeredBeforeMs: NOW_MS + HOUR_MS });
  go.resolve();
  await using;
  assert.equal(await retired, false);
}, SHARED_DATABASES);

test("a chunk is not forgotten below a transaction that uses its pack", async (db) => {
  const seed = await seedProject(db);
  const { pack, chunk } = await seedPack(db, seed);
  const [locked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let seen = 0;
  const using = transact(db, async (tx) => {
    await touchPacks(tx, seed.projectId, [pack.id], NOW_MS);
    locked.resolve();
    await go.promise;
    // Many round trips: without the lock the other transaction would be done after a few.
    for (let reads = 0; reads < 50; reads++) {
      seen = (await findChunks(tx, seed.projectId, [chunk.digest])).length;
    }
  });
  await locked.promise;
  const forgotten = transact(db, async (tx) => {
    await forgetChunk(tx, chunk);
    await hideContextsOfPack(tx, pack.id);
  });
  go.resolve();
  await Promise.all([using, forgotten]);
  assert.equal(seen, 1);
}, SHARED_DATABASES);
