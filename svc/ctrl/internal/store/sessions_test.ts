import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  createRootKey,
  createSession,
  type CtrlDatabase,
  deleteSession,
  findRootKey,
  listSessions,
  listSessionsByHash,
  revokeRootKey,
  takeSession,
  touchSessions,
} from "./mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();
const TIMES = { nowMs: NOW_MS, seenSinceMs: NOW_MS - 1_000 };

async function addKey(db: CtrlDatabase, id: string, workspaceId = "w"): Promise<void> {
  const key = {
    id,
    workspaceId,
    name: `name of ${id}`,
    hash: id,
    start: "unkey_",
    permissions: ["*"],
    nowMs: NOW_MS,
  };
  await createRootKey(db.kysely, key);
}

async function addSession(db: CtrlDatabase, id: string, changes = {}): Promise<void> {
  const session = {
    id,
    hash: `hash of ${id}`,
    workspace_id: "w",
    key_id: "k",
    browser: "Firefox on Linux",
    created_at: NOW_MS,
    last_seen_at: NOW_MS,
    expires_at: NOW_MS + 10_000,
    ...changes,
  };
  await transact(db, (tx) => createSession(tx, session));
}

async function working(db: CtrlDatabase): Promise<string[]> {
  const hashes = ["a", "b", "c", "d"].map((id) => `hash of ${id}`);
  return (await listSessionsByHash(db.kysely, hashes, TIMES)).map(({ id }) => id).toSorted();
}

test("a session works while it is used, not expired, and its key is not revoked", async (db) => {
  await addKey(db, "k");
  await addKey(db, "other");
  await addSession(db, "a");
  await addSession(db, "b", { last_seen_at: NOW_MS - 1_001 });
  await addSession(db, "c", { expires_at: NOW_MS, created_at: NOW_MS - 1 });
  await addSession(db, "d", { key_id: "other" });
  assert.deepEqual(await working(db), ["a", "d"]);
  const [row] = await listSessionsByHash(db.kysely, ["hash of a"], TIMES);
  assert.deepEqual([row?.key_name, row?.permissions, row?.workspace_id], ["name of k", '["*"]', "w"]);
  assert.deepEqual(await listSessionsByHash(db.kysely, [], TIMES), []);
  await revokeRootKey(db.kysely, { workspaceId: "w", id: "other", nowMs: NOW_MS });
  assert.deepEqual(await working(db), ["a"]);
  assert.deepEqual([(await findRootKey(db.kysely, "k"))?.id, await findRootKey(db.kysely, "other")], [
    "k",
    undefined,
  ]);
  await touchSessions(db.kysely, ["hash of b"], NOW_MS);
  assert.deepEqual(await working(db), ["a", "b"]);
  await touchSessions(db.kysely, ["hash of b"], NOW_MS - 5_000);
  assert.deepEqual(await working(db), ["a", "b"], "a slow process takes no use back");
});

test("sessions are listed by workspace and key, newest first, and ended within both", async (db) => {
  await addKey(db, "k2", "w2");
  await addKey(db, "j2", "w2");
  await addKey(db, "x", "foreign");
  await addSession(db, "e", { created_at: NOW_MS - 3, workspace_id: "w2", key_id: "k2" });
  await addSession(db, "f", { created_at: NOW_MS - 2, workspace_id: "w2", key_id: "j2" });
  await addSession(db, "g", { workspace_id: "foreign", key_id: "x" });
  const list = async (keyId?: string): Promise<string[]> =>
    (await listSessions(db.kysely, { workspaceId: "w2", keyId, limit: 10, ...TIMES })).map(({ id }) => id);
  assert.deepEqual([await list(), await list("k2"), await list("x")], [["f", "e"], ["e"], []]);
  const end = (id: string, keyId?: string): Promise<boolean> =>
    transact(db, (tx) => deleteSession(tx, { workspaceId: "w2", id, keyId }));
  assert.deepEqual([await end("g"), await end("f", "k2"), await end("f", "j2"), await end("f")], [
    false,
    false,
    true,
    false,
  ]);
  assert.deepEqual(await list(), ["e"]);
});

test("a session is taken once, and expired ones go when the next is made", async (db) => {
  await addKey(db, "k3");
  await addSession(db, "h", { key_id: "k3" });
  assert.equal((await transact(db, (tx) => takeSession(tx, "hash of h")))?.id, "h");
  assert.equal(await transact(db, (tx) => takeSession(tx, "hash of h")), undefined);
  await addSession(db, "i", { key_id: "k3", expires_at: NOW_MS + 1 });
  await addSession(db, "l", { key_id: "k3", created_at: NOW_MS + 2 });
  const rows = await db.kysely.selectFrom("sessions").select("id").where("key_id", "=", "k3").execute();
  assert.deepEqual(rows.map(({ id }) => id), ["l"]);
});
