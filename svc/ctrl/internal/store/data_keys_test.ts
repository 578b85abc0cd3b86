import assert from "node:assert/strict";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import { dataKeyStore } from "./mod.ts";

const test = testOnCtrlDatabases();

test("dataKeyStore() finds a keyring's newest key, and each by its id", async (db) => {
  const store = dataKeyStore(db.kysely);
  const keyring = `env_${newDnsName(12)}`;
  const key = (id: string, createdAtMs: number) => ({
    id: `${id}_${keyring}`,
    keyring,
    encryptedKey: "x",
    createdAtMs,
  });
  assert.equal(await store.newest(keyring), undefined);
  await store.add(key("dek_1", 1));
  await store.add(key("dek_2", 2));
  assert.deepEqual(await store.newest(keyring), key("dek_2", 2));
  assert.deepEqual(await store.byId(`dek_1_${keyring}`), key("dek_1", 1));
});
