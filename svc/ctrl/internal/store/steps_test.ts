import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { endStep, listEventsAfter, listSteps, startStep } from "./mod.ts";

const test = testOnCtrlDatabases();

test("steps begin once, end once, and are events", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const start = (message: string, nowMs: number) =>
    transact(db, (tx) => startStep(tx, { deploymentId: id, name: "building", message, nowMs }));
  const end = () =>
    transact(db, (tx) =>
      endStep(tx, {
        deploymentId: id,
        name: "building",
        status: "failed",
        errorMessage: "no Dockerfile",
        nowMs: NOW_MS + 9,
      }));
  await start("Building", NOW_MS + 1);
  await start("Building", NOW_MS + 2);
  assert.equal(await end(), true);
  assert.equal(await end(), false);
  assert.deepEqual(await listSteps(db.kysely, id), [{
    deployment_id: id,
    name: "building",
    status: "failed",
    message: "Building",
    error_message: "no Dockerfile",
    started_at: NOW_MS + 1,
    ended_at: NOW_MS + 9,
  }]);
  assert.deepEqual((await listEventsAfter(db.kysely, id, 1, 10)).map(({ payload }) => payload), [
    { kind: "step", name: "building", status: "running", message: "Building" },
    { kind: "step", name: "building", status: "failed", message: "no Dockerfile" },
  ]);
});
