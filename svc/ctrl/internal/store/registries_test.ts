import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  listRegistryCredentials,
  lockRegistryCredentials,
  removeRegistryCredentials,
  setRegistryCredentials,
} from "./mod.ts";

const test = testOnCtrlDatabases();

test("credentials for registries are replaced by host, and belong to one workspace", async (db) => {
  const [{ workspaceId }, other] = [await seedProject(db), await seedProject(db)];
  const set = (host: string, username: string, nowMs: number, of = workspaceId) =>
    transact(
      db,
      (tx) => setRegistryCredentials(tx, { workspaceId: of, host, username, ciphertext: "c", nowMs }),
    );
  await set("ghcr.io", "a", NOW_MS);
  await set("docker.io", "b", NOW_MS);
  await set("ghcr.io", "c", NOW_MS + 1);
  await set("ghcr.io", "d", NOW_MS, other.workspaceId);

  const expected = [["docker.io", "b", NOW_MS, NOW_MS], ["ghcr.io", "c", NOW_MS, NOW_MS + 1]];
  const rows = await listRegistryCredentials(db.kysely, workspaceId);
  assert.deepEqual(
    rows.map(({ host, username, created_at, updated_at }) => [host, username, created_at, updated_at]),
    expected,
  );
  assert.deepEqual(await transact(db, (tx) => lockRegistryCredentials(tx, workspaceId)), rows);
  assert.equal(await removeRegistryCredentials(db.kysely, workspaceId, "ghcr.io"), true);
  assert.equal(await removeRegistryCredentials(db.kysely, workspaceId, "ghcr.io"), false);
  assert.equal((await listRegistryCredentials(db.kysely, other.workspaceId)).length, 1);
});
