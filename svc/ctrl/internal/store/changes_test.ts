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

/** Rows of the feed without their resources, in one statement. */
async function fill(db: CtrlDatabase, region: string, ages: (version: number) => number, count: number) {
  const rows = Array.from({ length: count }, (_, index) => ({
    region,
    version: index + 1,
    resource_type: "deployment" as const,
    resource_id: "d",
    created_at: ages(index + 1),
  }));
  for (let start = 0; start < rows.length; start += 1_000) {
    await db.kysely.insertInto("state_changes").values(rows.slice(start, start + 1_000)).execute();
  }
  await db.kysely.insertInto("region_versions").values({ region, version: count }).execute();
}

test("compaction goes on over many batches, and stops at the first change that is young", async (db) => {
  const region = newDnsName(10);
  // The clock of a process that wrote one of them was ahead: what is behind it stays with it.
  await fill(db, region, (version) => version === 2_345 ? NOW_MS : 1, 5_000);
  const compact = () => compactChanges(db.kysely, region, { nowMs: NOW_MS, keepMs: 1_000, keepVersions: 0 });
  assert.equal(await compact(), 2_344);
  assert.equal(await findOldestChange(db.kysely, region), 2_345);
  assert.equal(await compact(), 0);
});

test("compaction passes versions without rows in one step", async (db) => {
  const region = newDnsName(10);
  await fill(db, region, () => 1, 10);
  const far = 1_000_000_000_000;
  await db.kysely.updateTable("state_changes").set({ version: far }).where("region", "=", region)
    .where("version", "=", 10).execute();
  await db.kysely.updateTable("region_versions").set({ version: far }).where("region", "=", region).execute();
  const retention = { nowMs: NOW_MS, keepMs: 1_000, keepVersions: 0 };
  assert.equal(await compactChanges(db.kysely, region, retention), 10);
});
