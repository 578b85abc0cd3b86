import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { createLoginCode, deleteLoginCode, findLoginCode } from "./mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();

/** Two machines that send one code at once must not both get a key. */
test("a login code is used up by one transaction, and expired ones go when another is made", async (db) => {
  const code = { workspace_id: "w", permissions: '["*"]', created_at: NOW_MS, key_id: null };
  const make = (hash: string, expiresAt: number, nowMs = NOW_MS): Promise<void> =>
    transact(db, (tx) => createLoginCode(tx, { ...code, hash, expires_at: expiresAt, created_at: nowMs }));
  await make("used", NOW_MS + 600_000);
  await make("expired", NOW_MS + 1_000);
  assert.equal((await findLoginCode(db.kysely, "used"))?.permissions, '["*"]');
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, () => transact(db, (tx) => deleteLoginCode(tx, "used"))),
  );
  assert.equal(outcomes.filter((isFirst) => isFirst).length, 1);
  assert.equal(await findLoginCode(db.kysely, "used"), undefined);
  await make("next", NOW_MS + 700_000, NOW_MS + 1_001);
  assert.equal(await findLoginCode(db.kysely, "expired"), undefined);
  assert.notEqual(await findLoginCode(db.kysely, "next"), undefined);
});
