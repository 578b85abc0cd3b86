/** A deployment that sleeps, as it is shown, on every database. */
import assert from "node:assert/strict";
import { systemClock } from "../../../../../pkg/clock/mod.ts";
import { transact } from "../../../../../pkg/db/mod.ts";
import {
  countInstancesByRegion,
  DeploymentViewCache,
  endSleep,
  listDeploymentViewsByIds,
  placeDeployment,
  wake,
} from "../mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import { fallAsleep } from "./testing_scaling.ts";

const test = testOnCtrlDatabases();

test("a sleep, a wake and its end are shown at once, and what sleeps is wanted nowhere", async (db) => {
  const seed = await seedProject(db);
  const { workspaceId } = seed;
  const { id: deploymentId } = await seedDeployment(db, seed);
  const place = { deploymentId, workspaceId, nowMs: NOW_MS };
  const memory = new DeploymentViewCache(systemClock());
  const shown = async () =>
    (await listDeploymentViewsByIds(db.kysely, [deploymentId], memory)).get(deploymentId)?.sleep;
  const wanted = async () => (await countInstancesByRegion(db.kysely, workspaceId))[0]?.desired ?? 0;
  await transact(db, (tx) => placeDeployment(tx, { ...place, regions: [{ region: "eu", replicas: 2 }] }));
  assert.deepEqual([await shown(), await wanted()], [undefined, 2]);
  await transact(db, (tx) => fallAsleep(tx, place));
  assert.deepEqual([await shown(), await wanted()], [{ sinceMs: NOW_MS, isWaking: false }, 0]);
  await transact(db, (tx) => wake(tx, { ...place, message: "Woken." }));
  assert.deepEqual([await shown(), await wanted()], [{ sinceMs: NOW_MS, isWaking: true }, 2]);
  await transact(db, (tx) => endSleep(tx, deploymentId));
  assert.deepEqual([await shown(), await wanted()], [undefined, 2]);
});
