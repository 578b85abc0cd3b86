import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { MemoryDataKeys } from "../../../../pkg/testkit/data_keys.ts";
import { createVault } from "../../../../pkg/vault/mod.ts";
import { sealRegistrySecret } from "../../internal/registries/mod.ts";
import { NOW_MS, seedProject } from "../../internal/store/testing.ts";
import { setRegistryCredentials } from "../../internal/store/mod.ts";
import { credentialsOf } from "./base_image_credentials.ts";
import { memoryDatabase } from "../testing.ts";

const OWNER = { username: "owner", password: new Secret("own") };

Deno.test("credentialsOf() asks the workspace first, then the platform's only user", async () => {
  const db = await memoryDatabase();
  try {
    const { workspaceId } = await seedProject(db);
    const { workspaceId: other } = await seedProject(db);
    const vault = createVault({
      masterKeys: [{ id: "m", bytes: new Uint8Array(32).fill(7) }],
      store: new MemoryDataKeys(),
      clock: systemClock(),
    });
    const host = "ghcr.io";
    const ciphertext = await sealRegistrySecret(vault, { workspaceId, host }, "s3cret");
    await transact(db, async (tx) => {
      await setRegistryCredentials(tx, {
        workspaceId,
        host,
        username: "workspace",
        ciphertext,
        nowMs: NOW_MS,
      });
    });
    const ownCredentials = (asked: string) =>
      Promise.resolve(asked === "quay.io" || asked === host ? OWNER : undefined);
    const user = async (
      sources: Partial<Parameters<typeof credentialsOf>[0]>,
      workspace: string,
      asked: string,
    ) => (await (await credentialsOf({ db, vault, ...sources })(workspace))(asked))?.username;
    assert.equal(await user({ ownCredentials }, workspaceId, host), "workspace");
    assert.equal(await user({ ownCredentials }, workspaceId, "quay.io"), "owner");
    assert.equal(await user({ ownCredentials }, workspaceId, "docker.io"), undefined);
    assert.equal(await user({ ownCredentials }, other, host), "owner");
    assert.equal(await user({}, workspaceId, host), "workspace");
    assert.equal(await user({}, other, host), undefined);
    assert.equal(await user({ vault: undefined }, workspaceId, host), undefined);
    assert.equal(await user({ vault: undefined, ownCredentials }, workspaceId, host), "owner");
  } finally {
    await db.close();
  }
});
