import assert from "node:assert/strict";
import { loadConfig, Secret } from "../../../../pkg/config/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { dataKeyIdOf } from "../../../../pkg/vault/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "../store/testing.ts";
import { DATA_KEY_FIELDS, dataKeyLife } from "./config.ts";
import { openVault } from "./mod.ts";

const test = testOnCtrlDatabases();
const DAY_MS = 86_400_000;
const CONFIG = {
  vaultMasterKeys: new Secret(btoa("a master key for the tests here.")),
  dataKeyDays: 2,
  dataKeyUses: 1_000,
};

/** Processes have a vault each; the database decides which of their keys is the keyring's. */
test("vaults of several processes make one data key at first, and one when it is old", async (db) => {
  const at = { nowMs: NOW_MS };
  const clock = { now: () => at.nowMs, sleep: () => Promise.reject(new Error("nothing sleeps here")) };
  const vaults = Array.from({ length: 4 }, () => openVault(CONFIG, { db, clock }));
  const keyring = `env_${newDnsName(12)}`;
  const written: string[] = [];
  const writeAll = async (): Promise<string[]> => {
    const texts = await Promise.all(
      vaults.flatMap((vault) => ["a", "b", "c"].map((text) => vault.encrypt(keyring, "NAME", text))),
    );
    written.push(...texts);
    return [...new Set(texts.map(dataKeyIdOf))];
  };
  const first = await writeAll();
  at.nowMs += 2 * DAY_MS;
  const second = await writeAll();
  assert.deepEqual([first.length, second.length], [1, 1]);
  assert.notEqual(first[0], second[0]);
  const rows = await db.kysely.selectFrom("data_keys").select(["generation", "uses"])
    .where("keyring", "=", keyring).orderBy("generation").execute();
  assert.deepEqual(rows.map(({ generation }) => generation), [1, 2]);
  // Four processes have set aside ten uses, a hundredth of all, of each key.
  for (const { uses } of rows) assert.ok(uses >= 12 && uses <= 40, `${uses}`);
  for (const text of written) {
    assert.match(await openVault(CONFIG, { db, clock }).decrypt(keyring, "NAME", text), /^[abc]$/);
  }
});

Deno.test("data keys live 90 days and a million values unless the settings say otherwise", () => {
  const lifeOf = (env: Readonly<Record<string, string>>) =>
    dataKeyLife(
      loadConfig(DATA_KEY_FIELDS, { flags: new Map(), env: (name) => env[name], readFile: () => "" }),
    );
  assert.deepEqual(lifeOf({}), { ageMs: 90 * DAY_MS, uses: 1_000_000 });
  const given = { UNKEY_DATA_KEY_DAYS: "1", UNKEY_DATA_KEY_USES: "5" };
  assert.deepEqual(lifeOf(given), { ageMs: DAY_MS, uses: 5 });
  for (const wrong of [{ UNKEY_DATA_KEY_DAYS: "0" }, { UNKEY_DATA_KEY_USES: "2147483648" }]) {
    assert.throws(() => lifeOf(wrong), /UNKEY_DATA_KEY/);
  }
});
