import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { MemoryDataKeys } from "../../../../pkg/testkit/data_keys.ts";
import { createVault } from "../../../../pkg/vault/mod.ts";
import { openBuildSecrets, sealBuildSecrets } from "./mod.ts";

Deno.test("secrets of a build open as the same bytes, for the same deployment and id only", async () => {
  const masterKeys = [{ id: "m", bytes: new Uint8Array(32).fill(7) }];
  const vault = createVault({ masterKeys, store: new MemoryDataKeys(), clock: systemClock() });
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
  for (const attempt of wrong) await assert.rejects(attempt, /does not decrypt/);
});
