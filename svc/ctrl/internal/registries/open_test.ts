import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "../store/testing.ts";
import { type CtrlDatabase, dataKeyStore, setRegistryCredentials } from "../store/mod.ts";
import { openRegistryCredentials, sealRegistrySecret } from "./mod.ts";

const test = testOnCtrlDatabases();

async function bed(db: CtrlDatabase) {
  const { workspaceId } = await seedProject(db);
  const masterKeys = parseMasterKeys(new Secret("bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q="));
  const vault = createVault({ masterKeys, store: dataKeyStore(db.kysely), clock: systemClock() });
  const seal = (host: string, secret: string) => sealRegistrySecret(vault, { workspaceId, host }, secret);
  const store = (host: string, ciphertext: string, of = workspaceId) =>
    transact(db, async (tx) => {
      const username = `user of ${host}`;
      await setRegistryCredentials(tx, { workspaceId: of, host, username, ciphertext, nowMs: NOW_MS });
    });
  return { workspaceId, seal, store, registries: openRegistryCredentials({ db, vault }) };
}

test("a build's credentials are found by any name of their registry, and by no other", async (db) => {
  const { workspaceId, seal, store, registries } = await bed(db);
  for (const host of ["docker.io", "localhost:5000"]) {
    await store(host, await seal(host, `s3cret of ${host}`));
  }
  const credentials = await registries.credentialsOf(workspaceId);
  for (const host of ["docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"]) {
    const found = await credentials(host);
    assert.deepEqual([found?.username, found?.password.reveal()], [
      "user of docker.io",
      "s3cret of docker.io",
    ]);
  }
  assert.equal((await credentials("localhost:5000"))?.password.reveal(), "s3cret of localhost:5000");
  for (const host of ["localhost", "localhost:5001", "ghcr.io", "notdocker.io", ""]) {
    assert.equal(await credentials(host), undefined, host);
  }
  assert.equal(await (await registries.credentialsOf("ws_other"))("docker.io"), undefined);
});

/** Otherwise a row that was copied or renamed in the database would send one registry's password to another. */
test("a secret decrypts for its own workspace and host only", async (db) => {
  const { workspaceId, seal, store, registries } = await bed(db);
  const ciphertext = await seal("ghcr.io", "s3cret");
  await store("evil.example.com", ciphertext);
  await store("ghcr.io", ciphertext, "ws_other");
  for (const [workspace, host] of [[workspaceId, "evil.example.com"], ["ws_other", "ghcr.io"]] as const) {
    const credentials = await registries.credentialsOf(workspace);
    await assert.rejects(credentials(host), (error) => isFault(error, "internal"), host);
  }
});

test("a build goes on with the credentials it began with", async (db) => {
  const { workspaceId, seal, store, registries } = await bed(db);
  await store("ghcr.io", await seal("ghcr.io", "first"));
  const before = await registries.credentialsOf(workspaceId);
  await store("ghcr.io", await seal("ghcr.io", "second"));
  assert.equal((await before("ghcr.io"))?.password.reveal(), "first");
  const after = await registries.credentialsOf(workspaceId);
  assert.equal((await after("ghcr.io"))?.password.reveal(), "second");
});
