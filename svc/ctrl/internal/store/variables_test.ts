import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { listEnvironmentVariables, setEnvironmentVariables } from "./mod.ts";

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
  for (const bad of ["", "1A", "A-B", "A=B", "A\nB", "Ä", "A".repeat(257)]) {
    await assert.rejects(set(bad), (error) => isFault(error, "invalid_argument"), bad);
  }
  assert.deepEqual(await listEnvironmentVariables(db.kysely, seed.previewId), []);
  await set("_ok2");
  const names = (await listEnvironmentVariables(db.kysely, seed.previewId)).map(({ name }) => name);
  assert.deepEqual(names, ["GOOD", "_ok2"]);
});
