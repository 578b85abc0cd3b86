import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  compactChanges,
  type CtrlDatabase,
  findOldestChange,
  findRegionVersion,
  placeDeployment,
} from "./mod.ts";

const test = testOnCtrlDatabases();

async function place(db: CtrlDatabase, seed: Seed, id: string, region: string, replicas = 1) {
  return await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId: seed.workspaceId,
      regions: [{ region, replicas }],
      nowMs: NOW_MS,
    }));
}

test("compaction deletes the oldest changes only, and keeps what is young or among the newest", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  for (let n = 0; n < 10; n++) await place(db, seed, (await seedDeployment(db, seed)).id, region);
  const compact = (keepVersions: number, ageMs: number) =>
    compactChanges(db.kysely, region, { nowMs: NOW_MS + ageMs, keepMs: 1_000, keepVersions });
  assert.equal(await compact(0, 999), 0, "all are young");
  assert.equal(await compact(4, 2_000), 6);
  assert.equal(await findOldestChange(db.kysely, region), 7);
  assert.equal(await compact(0, 2_000), 4);
  assert.equal(await findOldestChange(db.kysely, region), undefined);
  assert.equal(await compact(0, 2_000), 0);
  assert.equal(await findRegionVersion(db.kysely, region), 10);
});
