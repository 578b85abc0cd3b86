import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../config/mod.ts";
import { Fault } from "../fault/mod.ts";
import { MemoryDataKeys } from "../testkit/data_keys.ts";
import { createVault, type DataKeyStore, masterKeysProblem, parseMasterKeys, plaintextBytes } from "./mod.ts";

const clock = systemClock();
const [OLD, NEW] = [
  "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZC0=",
  "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldy0=",
];

const memoryStore = (): MemoryDataKeys => new MemoryDataKeys();

const open = (store: DataKeyStore, masterKeys: string) =>
  createVault({ masterKeys: parseMasterKeys(new Secret(masterKeys)), store, clock });

const isInternal = (error: unknown): boolean => error instanceof Fault && error.code === "internal";

Deno.test("a vault reads what it wrote, also after a restart, and never writes the same text twice", async () => {
  const store = memoryStore();
  const vault = open(store, OLD);
  const first = await vault.encrypt("env_1", "TOKEN", "s\u00e4cret");
  const second = await vault.encrypt("env_1", "TOKEN", "s\u00e4cret");
  assert.notEqual(first, second);
  assert.match(first, /^v1\.dek_/);
  assert.equal(plaintextBytes(first), 7);
  assert.equal(store.keys.length, 1, "one data key per keyring");
  assert.equal(await open(store, OLD).decrypt("env_1", "TOKEN", first), "s\u00e4cret");
  assert.equal(await vault.decrypt("env_1", "EMPTY", await vault.encrypt("env_1", "EMPTY", "")), "");
});

/** Otherwise a user who may write one variable could read another, or another environment's. */
Deno.test("a ciphertext is bound to its keyring and its name, and a data key to its own", async () => {
  const store = memoryStore();
  const vault = open(store, OLD);
  const text = await vault.encrypt("env_1", "TOKEN", "secret");
  await vault.encrypt("env_2", "TOKEN", "other");
  await assert.rejects(vault.decrypt("env_2", "TOKEN", text), isInternal);
  await assert.rejects(vault.decrypt("env_1", "OTHER", text), isInternal);
  const [first, second] = store.keys;
  assert.ok(first !== undefined && second !== undefined);
  store.keys.splice(0, 2, { ...first, encryptedKey: second.encryptedKey });
  await assert.rejects(
    open(store, OLD).decrypt("env_1", "TOKEN", text),
    isInternal,
    "data keys are bound too",
  );
});

Deno.test("a new first master key encrypts, and the former ones still decrypt", async () => {
  const store = memoryStore();
  const text = await open(store, OLD).encrypt("env_1", "TOKEN", "secret");
  const rotated = open(store, `${NEW}, ${OLD}`);
  assert.equal(await rotated.decrypt("env_1", "TOKEN", text), "secret");
  await rotated.encrypt("env_2", "TOKEN", "secret");
  const [newId] = parseMasterKeys(new Secret(NEW)).map(({ id }) => id);
  assert.ok(store.keys[1]?.encryptedKey.startsWith(`v1.${newId}.`));
  await assert.rejects(open(store, NEW).decrypt("env_1", "TOKEN", text), isInternal);
});

Deno.test("a digest is the same for the same scope, text and first master key only", () => {
  const [vault, again] = [open(memoryStore(), OLD), open(memoryStore(), `${OLD},${NEW}`)];
  const digest = vault.digest("p_1", "secret");
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal(again.digest("p_1", "secret"), digest);
  const others = [
    vault.digest("p_2", "secret"),
    vault.digest("p_1", "secret2"),
    vault.digest("p_1s", "ecret"),
    open(memoryStore(), `${NEW},${OLD}`).digest("p_1", "secret"),
  ];
  assert.equal(new Set([digest, ...others]).size, 5);
});

Deno.test("masterKeysProblem() names the key that is wrong and not its value", () => {
  assert.equal(masterKeysProblem(new Secret(`${OLD},${NEW}`)), undefined);
  assert.match(masterKeysProblem(new Secret(`${OLD},hunter2`)) ?? "", /^key 2 must be base64 of 32 bytes/);
  assert.match(masterKeysProblem(new Secret(" , ")) ?? "", /at least one/);
});

/** Settings that were filled in for a first try must not protect anything. */
Deno.test("masterKeysProblem() wants a random key to encrypt with, and takes a weak one to read with", () => {
  const [zeros, ones] = [0, 1].map((byte) => new Uint8Array(32).fill(byte).toBase64());
  const pairs = new Uint8Array(32).map((_, at) => at % 2).toBase64();
  for (const weak of [zeros, ones, pairs, `${zeros},${NEW}`]) {
    const problem = masterKeysProblem(new Secret(`${weak}`)) ?? "";
    assert.match(
      problem,
      /^key 1 must be random, and has only [12] different bytes?: put a new key before it/,
    );
    assert.ok(!problem.includes(`${weak}`));
  }
  assert.equal(masterKeysProblem(new Secret(`${NEW},${zeros}`)), undefined);
});
