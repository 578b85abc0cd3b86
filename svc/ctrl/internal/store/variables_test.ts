import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { listEnvironmentVariables, removeEnvironmentVariable, setEnvironmentVariables } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A name that no process can be given kept an app from starting, after everything else had accepted it. */
test("the store takes no variable that a process could not be given", async (db) => {
  const seed = await seedProject(db);
  const set = (name: string) =>
    transact(db, (tx) =>
      setEnvironmentVariables(tx, {
        workspaceId: seed.workspaceId,
        environmentId: seed.previewId,
        variables: [{ name: "GOOD", ciphertext: "c" }, { name, ciphertext: "c" }],
        nowMs: NOW_MS,
      }));
  for (const bad of ["", "1A", "..A", "A=B", "A\nB", "A\0", "Ä", "A".repeat(254)]) {
    await assert.rejects(set(bad), (error) => isFault(error, "invalid_argument"), bad);
  }
  assert.deepEqual(await listEnvironmentVariables(db.kysely, seed.previewId), []);
  await set("_ok2");
  const names = (await listEnvironmentVariables(db.kysely, seed.previewId)).map(({ name }) => name);
  assert.deepEqual(names, ["GOOD", "_ok2"]);
});

test("the store keeps names apart that differ in case, dots, hyphens and underscores", async (db) => {
  const seed = await seedProject(db);
  const long = "L".repeat(253);
  const names = ["A-B", "A.B", "A_B", "a-b", "a.b", "-x", ".x", "_x", long];
  const set = (ciphertext: string, some: readonly string[]) =>
    transact(db, (tx) =>
      setEnvironmentVariables(tx, {
        workspaceId: seed.workspaceId,
        environmentId: seed.previewId,
        variables: some.map((name) => ({ name, ciphertext: `${ciphertext} ${name}` })),
        nowMs: NOW_MS,
      }));
  await set("first", names);
  await set("second", ["a.b"]);
  const rows = await listEnvironmentVariables(db.kysely, seed.previewId);
  assert.deepEqual(
    Object.fromEntries(rows.map(({ name, ciphertext }) => [name, ciphertext])),
    Object.fromEntries(names.map((name) => [name, `${name === "a.b" ? "second" : "first"} ${name}`])),
  );
  assert.equal(await removeEnvironmentVariable(db.kysely, seed.previewId, "A.b"), false);
  assert.equal(await removeEnvironmentVariable(db.kysely, seed.previewId, "a.b"), true);
  assert.equal((await listEnvironmentVariables(db.kysely, seed.previewId)).length, names.length - 1);
});
