import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { newId } from "../../../pkg/uid/mod.ts";
import { SHARED_DATABASES } from "../../../pkg/testkit/databases.ts";
import { createVault, dataKeyIdOf, parseMasterKeys, type Vault } from "../../../pkg/vault/mod.ts";
import { testOnCtrlDatabases } from "../internal/store/testing.ts";
import { type CtrlDatabase, dataKeyStore } from "../internal/store/mod.ts";
import { runRotateKeys } from "./run.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const KEYRINGS = 450;
const [OLD, NEW, OTHER] = ["old-", "new-", "lost"].map((word) => btoa(word.repeat(8)));

function vaultWith(db: CtrlDatabase, ...keys: readonly (string | undefined)[]): Vault {
  const masterKeys = parseMasterKeys(new Secret(keys.join(",")));
  return createVault({ masterKeys, store: dataKeyStore(db.kysely), clock });
}

function rotate(url: Secret, ...keys: readonly (string | undefined)[]) {
  return rotateWith({ url, dataKeys: false }, ...keys);
}

function rotateWith(
  { url, dataKeys }: { readonly url: Secret; readonly dataKeys: boolean },
  ...keys: readonly (string | undefined)[]
) {
  const vaultMasterKeys = new Secret(keys.join(","));
  const config = { databasePrimary: url, databaseCaFile: undefined, vaultMasterKeys, dataKeys };
  return runRotateKeys(config, {
    log: silentLogger(),
    clock,
    signal: new AbortController().signal,
  });
}

test("after a rotation the former master key can be dropped, whatever went on meanwhile", async (db, url) => {
  await db.kysely.deleteFrom("data_keys").execute();
  const before = vaultWith(db, OLD);
  const values = new Map<string, string>();
  const write = async (vault: Vault): Promise<void> => {
    const keyring = newId("environment", clock.now());
    values.set(keyring, await vault.encrypt(keyring, "TOKEN", `value of ${keyring}`));
  };
  for (let count = 0; count < KEYRINGS; count++) await write(before);

  // As an api process would: it has both keys, reads what was there, and writes.
  const during = vaultWith(db, NEW, OLD);
  const serve = async (): Promise<void> => {
    for (const [keyring, ciphertext] of [...values].slice(0, 50)) {
      assert.equal(await during.decrypt(keyring, "TOKEN", ciphertext), `value of ${keyring}`);
      await write(during);
    }
  };
  const [one, two] = await Promise.all([rotate(url, NEW, OLD), rotate(url, NEW, OLD), serve(), serve()]);
  assert.equal(one.resealed + two.resealed, KEYRINGS, "each key is counted by the one who sealed it anew");
  assert.deepEqual(await rotate(url, NEW, OLD), { resealed: 0, current: KEYRINGS + 100, renewed: 0 });

  const after = vaultWith(db, NEW);
  for (const [keyring, ciphertext] of values) {
    assert.equal(await after.decrypt(keyring, "TOKEN", ciphertext), `value of ${keyring}`);
  }
  const [[keyring, ciphertext] = ["", ""]] = values;
  await assert.rejects(vaultWith(db, OLD).decrypt(keyring, "TOKEN", ciphertext), /not configured/);
}, SHARED_DATABASES);

test("a rotation that lacks a master key says so, and seals what it can", async (db, url) => {
  await db.kysely.deleteFrom("data_keys").execute();
  const lost = await vaultWith(db, OTHER).encrypt("env_lost", "A", "1");
  await vaultWith(db, OLD).encrypt("env_kept", "A", "1");
  await assert.rejects(
    rotate(url, NEW, OLD),
    (error) =>
      isFault(error, "failed_precondition") &&
      /^1 data keys .*add the key.*1 others/.test(error.publicMessage ?? ""),
  );
  assert.equal(await vaultWith(db, OTHER).decrypt("env_lost", "A", lost), "1");
  assert.deepEqual(await rotate(url, NEW, OTHER), { resealed: 1, current: 1, renewed: 0 });
}, SHARED_DATABASES);

test(
  "new data keys encrypt from then on, for every keyring once, and the former ones decrypt",
  async (db, url) => {
    await db.kysely.deleteFrom("data_keys").execute();
    const keyrings = Array.from({ length: KEYRINGS }, () => newId("environment", clock.now()));
    const before = vaultWith(db, OLD);
    const values = new Map<string, string>();
    for (const keyring of keyrings) values.set(keyring, await before.encrypt(keyring, "TOKEN", "before"));
    const [first = ""] = keyrings;
    const asked = { url, dataKeys: true };
    const [one, two] = await Promise.all([rotateWith(asked, NEW, OLD), rotateWith(asked, NEW, OLD)]);
    assert.ok(one.renewed + two.renewed >= KEYRINGS);
    const after = vaultWith(db, NEW);
    for (const [keyring, ciphertext] of values) {
      assert.equal(await after.decrypt(keyring, "TOKEN", ciphertext), "before");
      const keyId = dataKeyIdOf(await after.encrypt(keyring, "TOKEN", "after"));
      assert.notEqual(keyId, dataKeyIdOf(ciphertext));
    }
    await assert.rejects(vaultWith(db, OLD).encrypt(first, "TOKEN", "x"), /not configured/);
  },
  SHARED_DATABASES,
);
