import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { SHARED_DATABASES } from "../../../../pkg/testkit/databases.ts";
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { newContext, seedContext, seedPack } from "./testing_content.ts";
import {
  contextIdOfPath,
  contextPath,
  createContext,
  type CtrlDatabase,
  findContext,
  findContextByRoot,
  hideContextsOfPack,
  listUnusedContexts,
  moveStatus,
  removeContext,
  touchContext,
} from "./mod.ts";

const test = testOnCtrlDatabases();
const LATER_MS = NOW_MS + 1;

async function isUnused(db: CtrlDatabase, id: string, beforeMs = LATER_MS): Promise<boolean> {
  return (await listUnusedContexts(db.kysely, { beforeMs, limit: 10_000 })).includes(id);
}

function remove(db: CtrlDatabase, id: string, beforeMs = LATER_MS): Promise<boolean> {
  return transact(db, (tx) => removeContext(tx, id, beforeMs));
}

Deno.test("a context's path leads back to its id, and an archive's key to none", () => {
  assert.equal(contextIdOfPath(contextPath("ctx_1")), "ctx_1");
  assert.equal(contextIdOfPath("proj_1/build_1.tar.gz"), undefined);
});

test("a context is found by its own project only", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const context = await seedContext(db, seed, []);
  assert.deepEqual(await findContext(db.kysely, seed.projectId, context.id), context);
  assert.deepEqual(await findContextByRoot(db.kysely, seed.projectId, context.root), context);
  assert.equal(await findContext(db.kysely, other.projectId, context.id), undefined);
  assert.equal(await findContextByRoot(db.kysely, other.projectId, context.root), undefined);
});

test("a tree that two uploads commit at once becomes one context", async (db) => {
  const seed = await seedProject(db);
  const { pack } = await seedPack(db, seed);
  const [first, second] = [newContext(seed), newContext(seed)];
  const create = (context: typeof first) =>
    transact(db, (tx) => createContext(tx, { ...context, root: first.root }, [pack.id]));
  const ids = await Promise.all([create(first), create(second)]);
  assert.equal(ids[0], ids[1]);
  const packs = await db.kysely.selectFrom("context_packs").selectAll().where("pack_id", "=", pack.id)
    .execute();
  assert.deepEqual(packs, [{ context_id: ids[0], pack_id: pack.id }]);
});

test("a context stays while any deployment that is under way builds from it", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedContext(db, seed, []);
  assert.ok(await isUnused(db, id));
  const deployment = await seedDeployment(db, seed, {
    source: "context",
    image: null,
    build_context_path: contextPath(id),
  });
  const [start] = ACTIVE_STATUSES;
  let from = start ?? "pending";
  for (const to of [...ACTIVE_STATUSES.slice(1), undefined]) {
    assert.ok(!await isUnused(db, id), `${from}: listed`);
    assert.equal(await remove(db, id), false, from);
    if (to === undefined) break;
    await transact(db, (tx) => moveStatus(tx, { id: deployment.id, from: [from], to, nowMs: NOW_MS }));
    from = to;
  }
  await transact(
    db,
    (tx) => moveStatus(tx, { id: deployment.id, from: [from], to: "failed", nowMs: NOW_MS }),
  );
  assert.ok(await isUnused(db, id));
  assert.equal(await remove(db, id), true);
  assert.equal(await remove(db, id), false, "it is gone");
});

test("another project's deployment does not keep a context", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const { id } = await seedContext(db, seed, []);
  await seedDeployment(db, other, { source: "context", image: null, build_context_path: contextPath(id) });
  assert.ok(await isUnused(db, id));
  assert.equal(await remove(db, id), true);
});

test("a context that is used again stays", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedContext(db, seed, []);
  assert.ok(await transact(db, (tx) => touchContext(tx, id, LATER_MS)));
  assert.ok(!await isUnused(db, id));
  assert.equal(await remove(db, id), false);
  assert.ok(await remove(db, id, LATER_MS + 1));
  assert.equal(await transact(db, (tx) => touchContext(tx, id, LATER_MS)), false);
});

test("the packs of a context that goes were used when it was", async (db) => {
  const seed = await seedProject(db);
  const { pack } = await seedPack(db, seed, { usedAtMs: 1 });
  const { id } = await seedContext(db, seed, [pack]);
  assert.ok(await remove(db, id));
  const row = await db.kysely.selectFrom("packs").select("last_used_at").where("id", "=", pack.id)
    .executeTakeFirst();
  assert.equal(row?.last_used_at, NOW_MS);
  const links = await db.kysely.selectFrom("context_packs").selectAll().where("context_id", "=", id)
    .execute();
  assert.deepEqual(links, []);
});

test("contexts whose pack lost a chunk are hidden from uploads, and stay for deployments", async (db) => {
  const seed = await seedProject(db);
  const [{ pack }, other] = [await seedPack(db, seed), await seedPack(db, seed)];
  const hit = await seedContext(db, seed, [pack, other.pack]);
  const spared = await seedContext(db, seed, [other.pack]);
  await transact(db, (tx) => hideContextsOfPack(tx, pack.id));
  assert.equal(await findContextByRoot(db.kysely, seed.projectId, hit.root), undefined);
  assert.ok(await findContext(db.kysely, seed.projectId, hit.id) !== undefined);
  assert.ok(await findContextByRoot(db.kysely, seed.projectId, spared.root) !== undefined);
  const again = await seedContext(db, seed, [pack], { root: hit.root });
  assert.equal((await findContextByRoot(db.kysely, seed.projectId, hit.root))?.id, again.id);
});

test("a removal waits for a transaction that uses the context, and leaves it then", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedContext(db, seed, []);
  const [locked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const using = transact(db, async (tx) => {
    await touchContext(tx, id, LATER_MS);
    locked.resolve();
    await go.promise;
  });
  await locked.promise;
  const removed = remove(db, id);
  go.resolve();
  await using;
  assert.equal(await removed, false);
}, SHARED_DATABASES);
