import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { MemoryDataKeys } from "../testkit/data_keys.ts";
import { createVault, type DataKeyStore, type MasterKey } from "./mod.ts";

const MASTER: MasterKey = { id: "m1", bytes: crypto.getRandomValues(new Uint8Array(32)) };
const OTHER: MasterKey = { id: "m2", bytes: crypto.getRandomValues(new Uint8Array(32)) };
const PLAIN = "postgres://app:s3cret@db/shop";

const open = (store: DataKeyStore, ...masterKeys: MasterKey[]) =>
  createVault({ masterKeys, store, clock: systemClock() });

/** Every text that differs from `text` by one bit of one character, where that is a text of a database. */
function* flipped(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 7; bit++) {
      yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
    }
  }
}

Deno.test("a ciphertext with any bit flipped, cut anywhere or with anything behind it does not open", async () => {
  const vault = open(new MemoryDataKeys(), MASTER);
  const text = await vault.encrypt("env_1", "URL", PLAIN);
  assert.equal(await vault.open("env_1", "URL", text), PLAIN);
  const wrong = [
    ...flipped(text),
    ...Array.from({ length: text.length }, (_, length) => text.slice(0, length)),
    ...Array.from({ length: text.length }, (_, length) => text.slice(length + 1)),
    ...["=", "A", ".", ".A", " ", "\n", "\0"].map((more) => text + more),
    ` ${text}`,
    text.toUpperCase(),
    text.replaceAll(".", ","),
  ];
  for (const each of wrong) assert.equal(await vault.open("env_1", "URL", each), undefined, each);
});

Deno.test("parts of two ciphertexts of the same keyring and name do not open together", async () => {
  const vault = open(new MemoryDataKeys(), MASTER);
  const one = (await vault.encrypt("env_1", "URL", "one")).split(".");
  const two = (await vault.encrypt("env_1", "URL", "two")).split(".");
  for (let mask = 0; mask < 16; mask++) {
    const mixed = one.map((part, at) => (mask >> at) % 2 === 0 ? part : two[at]).join(".");
    const opened = await vault.open("env_1", "URL", mixed);
    const isWhole = mixed === one.join(".") || mixed === two.join(".");
    assert.equal(opened !== undefined, isWhole, mixed);
  }
});

Deno.test("a ciphertext opens for its own keyring and name only, however they are cut", async () => {
  const vault = open(new MemoryDataKeys(), MASTER);
  const text = await vault.encrypt("env_1", "TOKEN", PLAIN);
  const places = [
    ["env_2", "TOKEN"],
    ["env_1", "TOKEN2"],
    ["env_1", ""],
    ["env_1T", "OKEN"],
    ["env_", "1TOKEN"],
    ["ENV_1", "TOKEN"],
    ["env_1 ", "TOKEN"],
    ["TOKEN", "env_1"],
  ] as const;
  for (const [keyring] of places) await vault.encrypt(keyring, "TOKEN", "its own data key");
  for (const [keyring, name] of places) {
    assert.equal(await vault.open(keyring, name, text), undefined, `${keyring} ${name}`);
  }
});

Deno.test("a data key with any bit flipped is a fault, and so is one that another master key has sealed", async () => {
  const store = new MemoryDataKeys();
  const text = await open(store, MASTER).encrypt("env_1", "URL", PLAIN);
  const [key] = store.keys;
  assert.ok(key !== undefined);
  const isFaulty = (error: unknown) => isFault(error, "internal");
  for (const encryptedKey of [...flipped(key.encryptedKey), "", key.encryptedKey.slice(0, -1)]) {
    store.keys = [{ ...key, encryptedKey }];
    await assert.rejects(open(store, MASTER).open("env_1", "URL", text), isFaulty, encryptedKey);
    await assert.rejects(open(store, MASTER).encrypt("env_1", "URL", PLAIN), isFaulty, encryptedKey);
  }
  store.keys = [key];
  await assert.rejects(open(store, OTHER).open("env_1", "URL", text), /master key that is not configured/);
  await assert.rejects(open(store, { ...OTHER, id: MASTER.id }).open("env_1", "URL", text), isFaulty);
  assert.equal(await open(store, OTHER, MASTER).open("env_1", "URL", text), PLAIN);
});

/** A text that comes back as another one is worse than an error. */
Deno.test("texts come back as they were, and half a character is refused", async () => {
  const vault = open(new MemoryDataKeys(), MASTER);
  const texts = [
    "",
    "\ufeffmark",
    "a\ufeffb",
    "\0",
    "\r\n",
    "\u{1f600}",
    "e\u0301",
    "\ufffd",
    "x".repeat(65_536),
  ];
  for (const text of texts) {
    assert.equal(await vault.open("env_1", "A", await vault.encrypt("env_1", "A", text)), text);
  }
  for (const half of ["\ud83d", "a\ude00b", "\ude00\ud83d"]) {
    await assert.rejects(vault.encrypt("env_1", "A", half), (error) => isFault(error, "invalid_argument"));
  }
});
