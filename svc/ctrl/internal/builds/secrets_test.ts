import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { createVault, type DataKeyStore, type StoredDataKey } from "../../../../pkg/vault/mod.ts";
import { openBuildSecrets, sealBuildSecrets } from "./mod.ts";

function memory(): DataKeyStore {
  const keys: StoredDataKey[] = [];
  return {
    newest: (keyring) => Promise.resolve(keys.findLast((key) => key.keyring === keyring)),
    byId: (id) => Promise.resolve(keys.find((key) => key.id === id)),
    add: (key) => Promise.resolve(void keys.push(key)),
  };
}

Deno.test("secrets of a build open as the same bytes, for the same deployment and id only", async () => {
  const masterKeys = [{ id: "m", bytes: new Uint8Array(32).fill(7) }];
  const vault = createVault({ masterKeys, store: memory(), clock: systemClock() });
  const owner = { environmentId: "env_1", deploymentId: "d_1" };
  const secrets = new Map([
    ["npm.token", Uint8Array.from({ length: 256 }, (_, at) => at)],
    ["empty", new Uint8Array()],
    ["__proto__", new Uint8Array([1])],
  ]);
  const sealed = await sealBuildSecrets(vault, owner, secrets);
  assert.deepEqual(await openBuildSecrets(vault, owner, sealed), secrets);
  const { empty = "" } = sealed;
  const wrong = [
    () => openBuildSecrets(vault, { ...owner, deploymentId: "d_2" }, { empty }),
    () => openBuildSecrets(vault, { ...owner, environmentId: "env_2" }, { empty }),
    () => openBuildSecrets(vault, owner, { full: empty }),
  ];
  for (const attempt of wrong) await assert.rejects(attempt, /has no data key|does not decrypt/);
});
