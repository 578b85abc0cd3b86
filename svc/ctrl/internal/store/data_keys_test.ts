import assert from "node:assert/strict";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import { dataKeyStore, renewStore } from "./mod.ts";

const test = testOnCtrlDatabases();

test("dataKeyStore() finds a keyring's newest key, and each by its id", async (db) => {
  const store = dataKeyStore(db.kysely);
  const keyring = `env_${newDnsName(12)}`;
  const key = (id: string, generation: number) => ({
    id: `${id}_${keyring}`,
    keyring,
    encryptedKey: "x",
    createdAtMs: 9 - generation,
    generation,
    uses: 0,
  });
  assert.equal(await store.newest(keyring), undefined);
  assert.equal(await store.add(key("dek_1", 1)), true);
  assert.equal(await store.add(key("dek_2", 2)), true);
  assert.equal(await store.add(key("dek_3", 2)), false, "a keyring has one key of a generation");
  assert.equal(await store.byId(`dek_3_${keyring}`), undefined);
  assert.deepEqual(await store.newest(keyring), key("dek_2", 2));
  await store.countUses(`dek_2_${keyring}`, 3);
  await store.countUses(`dek_2_${keyring}`, 4);
  assert.equal((await store.newest(keyring))?.uses, 7);
  assert.deepEqual(await store.byId(`dek_1_${keyring}`), key("dek_1", 1));
});

/** A process of the version before, during an upgrade. */
test("keys without a generation come before all others, and a keyring may have several", async (db) => {
  const [store, keyring] = [dataKeyStore(db.kysely), `env_${newDnsName(12)}`];
  const old = (id: string, created_at: number) => ({
    id: `${id}_${keyring}`,
    keyring,
    encrypted_key: "x",
    created_at,
  });
  for (const row of [old("dek_1", 1), old("dek_2", 2)]) {
    await db.kysely.insertInto("data_keys").values({ ...row, generation: null, uses: 0 }).execute();
  }
  const newest = await store.newest(keyring);
  assert.deepEqual([newest?.id, newest?.generation], [`dek_2_${keyring}`, 0]);
  const added = {
    id: `dek_3_${keyring}`,
    keyring,
    encryptedKey: "x",
    createdAtMs: 1,
    generation: 1,
    uses: 0,
  };
  assert.equal(await store.add(added), true);
  assert.deepEqual(await store.newest(keyring), added);
});

test("renewStore() lists each keyring without a young key once, by name", async (db) => {
  const [store, renew] = [dataKeyStore(db.kysely), renewStore(db.kysely)];
  const mark = `ring_${newDnsName(12)}`;
  const add = (keyring: string, generation: number, createdAtMs: number) =>
    store.add({
      id: `${keyring}_${generation}`,
      keyring,
      encryptedKey: "x",
      createdAtMs,
      generation,
      uses: 0,
    });
  for (const [at, [generation, age]] of [[1, 5], [2, 6], [1, 5], [1, 99]].entries()) {
    await add(`${mark}_${Math.floor(at / 2) + (at === 3 ? 1 : 0)}`, generation ?? 0, age ?? 0);
  }
  const range = { beforeMs: 50, limit: 2 };
  const first = await renew.listNewest(mark, range);
  assert.deepEqual(first, [{ keyring: `${mark}_0`, generation: 2 }, { keyring: `${mark}_1`, generation: 1 }]);
  const rest = await renew.listNewest(`${mark}_1`, range);
  assert.ok(!rest.some(({ keyring }) => keyring.startsWith(mark)), "the third has a young key");
});
