import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { MemoryDataKeys } from "../testkit/data_keys.ts";
import {
  createVault,
  dataKeyIdOf,
  type DataKeyLife,
  type DataKeyStore,
  type MasterKey,
  type StoredDataKey,
} from "./mod.ts";

const MASTER: MasterKey = { id: "m1", bytes: crypto.getRandomValues(new Uint8Array(32)) };
const HOUR_MS = 3_600_000;

/** A clock that a test moves; nothing sleeps here. */
function bed(life: DataKeyLife, store: DataKeyStore) {
  const at = { nowMs: 1_700_000_000_000 };
  const clock = { now: () => at.nowMs, sleep: () => Promise.reject(new Error("nothing sleeps here")) };
  const open = () => createVault({ masterKeys: [MASTER], store, clock, life });
  return { at, open };
}

/** A store whose answers come later, as a database's do. */
function later(store: DataKeyStore): DataKeyStore {
  const wait = async <T>(answer: () => Promise<T>): Promise<T> => {
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
    return await answer();
  };
  return {
    newest: (keyring) => wait(() => store.newest(keyring)),
    byId: (id) => wait(() => store.byId(id)),
    add: (key) => wait(() => store.add(key)),
    countUses: (id, uses) => wait(() => store.countUses(id, uses)),
  };
}

/** Setting n variables of a new environment made n data keys. */
Deno.test("concurrent first writes share one data key, also those of several processes", async () => {
  const store = new MemoryDataKeys();
  const { open } = bed({ ageMs: HOUR_MS, uses: 1_000_000 }, later(store));
  const vaults = [open(), open(), open()];
  const texts = await Promise.all(
    Array.from({ length: 300 }, (_, at) => vaults[at % 3]?.encrypt(`env_${at % 2}`, "A", `${at}`)),
  );
  assert.equal(store.keys.length, 2, "one of each keyring");
  for (const [at, text] of texts.entries()) {
    assert.equal(await open().decrypt(`env_${at % 2}`, "A", text ?? ""), `${at}`);
  }
});

Deno.test("a vault asks its store once for all who wait for a keyring's data key", async () => {
  const memory = later(new MemoryDataKeys());
  let asked = 0;
  const store: DataKeyStore = { ...memory, newest: (keyring) => (asked++, memory.newest(keyring)) };
  const vault = bed({ ageMs: HOUR_MS, uses: 1_000_000 }, store).open();
  await Promise.all(Array.from({ length: 100 }, () => vault.encrypt("env_1", "A", "x")));
  assert.equal(asked, 1);
});

Deno.test("a data key is replaced at its age, and what it encrypted stays readable", async () => {
  const store = new MemoryDataKeys();
  const { at, open } = bed({ ageMs: HOUR_MS, uses: 1_000_000 }, store);
  const vault = open();
  const first = await vault.encrypt("env_1", "A", "first");
  at.nowMs += HOUR_MS - 1;
  assert.equal(dataKeyIdOf(await vault.encrypt("env_1", "A", "same key")), dataKeyIdOf(first));
  at.nowMs += 1;
  const second = await vault.encrypt("env_1", "A", "second");
  assert.notEqual(dataKeyIdOf(second), dataKeyIdOf(first));
  assert.deepEqual(store.keys.map(({ generation }) => generation), [1, 2]);
  assert.equal(await vault.decrypt("env_1", "A", first), "first");
  assert.equal(await open().decrypt("env_1", "A", first), "first");
});

Deno.test("a data key is replaced after its uses, counted over all processes", async () => {
  const store = new MemoryDataKeys();
  const { open } = bed({ ageMs: HOUR_MS, uses: 10 }, store);
  const texts: string[] = [];
  for (let count = 0; count < 25; count++) texts.push(await open().encrypt("env_1", "A", "x"));
  const uses = Map.groupBy(texts, dataKeyIdOf);
  assert.deepEqual([...uses.values()].map((each) => each.length), [10, 10, 5]);
  const vault = open();
  for (let count = 0; count < 30; count++) texts.push(await vault.encrypt("env_1", "A", "x"));
  for (const made of Map.groupBy(texts, dataKeyIdOf).values()) assert.ok(made.length <= 10);
});

Deno.test("a new data key of another process is used within a minute", async () => {
  const store = new MemoryDataKeys();
  const { at, open } = bed({ ageMs: 1_000 * HOUR_MS, uses: 1_000_000 }, store);
  const vault = open();
  await vault.encrypt("env_1", "A", "x");
  const { at: ahead, open: openAhead } = bed({ ageMs: 1, uses: 1 }, store);
  ahead.nowMs += 1;
  const newer = dataKeyIdOf(await openAhead().encrypt("env_1", "A", "x"));
  at.nowMs += 60_000;
  assert.equal(dataKeyIdOf(await vault.encrypt("env_1", "A", "x")), newer);
});

/** Keys of older versions have no generation, and a keyring may have several of them. */
Deno.test("a data key from before keys were counted is used until it is too old", async () => {
  const store = new MemoryDataKeys();
  const { at, open } = bed({ ageMs: HOUR_MS, uses: 1_000_000 }, store);
  const text = await open().encrypt("env_1", "A", "x");
  store.keys = store.keys.map((key): StoredDataKey => ({ ...key, generation: 0 }));
  assert.equal(dataKeyIdOf(await open().encrypt("env_1", "A", "y")), dataKeyIdOf(text));
  at.nowMs += HOUR_MS;
  await open().encrypt("env_1", "A", "z");
  assert.deepEqual(store.keys.map(({ generation }) => generation), [0, 1]);
  assert.equal(await open().decrypt("env_1", "A", text), "x");
});

Deno.test("a store that fails fails the writes that wait for it, and not the next one", async () => {
  const memory = new MemoryDataKeys();
  const at = { fails: true };
  const store: DataKeyStore = {
    newest: (keyring) => memory.newest(keyring),
    byId: (id) => memory.byId(id),
    add: (key) => at.fails ? Promise.reject(new Error("down")) : memory.add(key),
    countUses: (id, uses) => memory.countUses(id, uses),
  };
  const vault = bed({ ageMs: HOUR_MS, uses: 10 }, store).open();
  const ends = await Promise.allSettled(["a", "b"].map((text) => vault.encrypt("env_1", "A", text)));
  assert.deepEqual(ends.map(({ status }) => status), ["rejected", "rejected"]);
  at.fails = false;
  assert.equal(await vault.decrypt("env_1", "A", await vault.encrypt("env_1", "A", "c")), "c");
});

Deno.test("a vault gives up when other processes make one data key after the other", async () => {
  const memory = new MemoryDataKeys();
  const store: DataKeyStore = {
    newest: () => Promise.resolve(undefined),
    byId: (id) => memory.byId(id),
    add: () => Promise.resolve(false),
    countUses: (id, uses) => memory.countUses(id, uses),
  };
  const vault = bed({ ageMs: HOUR_MS, uses: 10 }, store).open();
  await assert.rejects(vault.encrypt("env_1", "A", "x"), (error) => isFault(error, "unavailable"));
});
