import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  type CtrlDatabase,
  findRegionVersion,
  listCoalescedChanges,
  listDesiredDeployments,
  pageDesiredDeployments,
  placeDeployment,
  stopTopology,
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

test("placing and stopping are changes of the region once, however often they are repeated", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const { id } = await seedDeployment(db, seed);
  assert.deepEqual(await place(db, seed, id, region), [{ region, version: 1 }]);
  assert.deepEqual(await place(db, seed, id, region), []);
  assert.deepEqual(await place(db, seed, id, region, 3), [{ region, version: 2 }]);
  const [desired] = await pageDesiredDeployments(db.kysely, region, 0, 10);
  assert.deepEqual([desired?.id, desired?.version, desired?.desired_replicas, desired?.port], [
    id,
    2,
    3,
    8080,
  ]);

  const stop = () => transact(db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: NOW_MS }));
  assert.deepEqual(await stop(), [{ region, version: 3 }]);
  assert.deepEqual(await stop(), []);
  assert.deepEqual(await pageDesiredDeployments(db.kysely, region, 0, 10), []);
  assert.equal((await listDesiredDeployments(db.kysely, region, [id]))[0]?.desired_status, "stopped");
  assert.deepEqual(await place(db, seed, id, region, 3), [{ region, version: 4 }]);
  assert.equal(await findRegionVersion(db.kysely, region), 4);
  assert.deepEqual(
    await listCoalescedChanges(db.kysely, { region, after: 0, resourceTypes: ["deployment"] }),
    [{ resourceType: "deployment", resourceId: id, version: 4 }],
  );
});

test("deployments placed at once in several regions do not wait for each other for ever", async (db) => {
  const seed = await seedProject(db);
  const regions = [newDnsName(10), newDnsName(10), newDnsName(10)];
  const ids = await Promise.all(
    Array.from({ length: 12 }, async () => (await seedDeployment(db, seed)).id),
  );
  await Promise.all(ids.map((deploymentId, n) =>
    transact(db, (tx) =>
      placeDeployment(tx, {
        deploymentId,
        workspaceId: seed.workspaceId,
        regions: (n % 2 === 0 ? regions : regions.toReversed()).map((region) => ({ region, replicas: 1 })),
        nowMs: NOW_MS,
      }))
  ));
  for (const region of regions) assert.equal(await findRegionVersion(db.kysely, region), ids.length);
});
