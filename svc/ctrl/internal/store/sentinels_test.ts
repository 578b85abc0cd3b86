import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  archiveSentinel,
  type CtrlDatabase,
  findRegionVersion,
  findSentinelOf,
  listCoalescedChanges,
  listIdleSentinels,
  listPlacementsWithoutSentinel,
  listSentinelsByToken,
  pageDesiredSentinels,
  placeDeployment,
  reportSentinel,
  type SentinelShape,
  stopTopology,
  type WantedSentinel,
} from "./mod.ts";

const test = testOnCtrlDatabases();
const SHAPE: SentinelShape = { image: "unkey:1", replicas: 1, cpuMillicores: 256, memoryMib: 256 };

interface Owner {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
}

function wanted(owner: Owner, region: string, changes: Partial<WantedSentinel> = {}): WantedSentinel {
  const k8sName = newDnsName(8);
  const credential = { tokenHash: newId("request", NOW_MS), encryptedToken: `sealed ${k8sName}` };
  const names = { id: newId("sentinel", NOW_MS), k8sName, k8sAddress: `${k8sName}:8040` };
  return { ...owner, ...SHAPE, ...names, ...credential, region, ...changes };
}

/** A region of its own per test, and an environment in it. */
async function begin(db: CtrlDatabase) {
  const seed = await seedProject(db);
  const region = newDnsName(12);
  const owner = {
    workspaceId: seed.workspaceId,
    projectId: seed.projectId,
    environmentId: seed.productionId,
  };
  const place = async (sentinel?: Partial<WantedSentinel>): Promise<string> => {
    const { id } = await seedDeployment(db, seed);
    await transact(db, (tx) =>
      placeDeployment(tx, {
        deploymentId: id,
        workspaceId: seed.workspaceId,
        regions: [{ region, replicas: 1 }],
        sentinels: sentinel === undefined ? [] : [wanted(owner, region, sentinel)],
        nowMs: NOW_MS,
      }));
    return id;
  };
  const stop = (deploymentId: string) =>
    transact(db, (tx) => stopTopology(tx, { deploymentId, nowMs: NOW_MS }));
  const find = () => findSentinelOf(db.kysely, owner.environmentId, region);
  const sentinelChanges = async (
    after: number,
  ) => (await listCoalescedChanges(db.kysely, { region, after, resourceTypes: ["sentinel"] }));
  return { seed, region, owner, place, stop, find, sentinelChanges };
}

test("a placement brings its environment's sentinel, once, and a new image or size is a change", async (db) => {
  const { region, place, find, sentinelChanges } = await begin(db);
  await place({});
  const first = await find();
  assert.ok(first !== undefined);
  assert.equal(first.desired_state, "running");
  assert.deepEqual((await sentinelChanges(0)).map(({ resourceId, version }) => ({ resourceId, version })), [
    { resourceId: first.id, version: first.version },
  ]);

  await place({});
  assert.deepEqual(await find(), first, "the second deployment finds it as it should be");
  const before = await findRegionVersion(db.kysely, region);
  await place({ image: "unkey:2", replicas: 3 });
  const upgraded = await find();
  assert.deepEqual(
    [upgraded?.id, upgraded?.k8s_name, upgraded?.image, upgraded?.desired_replicas, upgraded?.token_hash],
    [first.id, first.k8s_name, "unkey:2", 3, first.token_hash],
  );
  assert.equal((await sentinelChanges(before)).length, 1);
});

test("the last placement that stops takes the sentinel along, and its credential with it", async (db) => {
  const { region, place, stop, find } = await begin(db);
  const [one, two] = [await place({}), await place({})];
  const first = await find();
  assert.ok(first !== undefined);
  await stop(one);
  assert.equal((await find())?.desired_state, "running", "another deployment still runs there");
  assert.equal((await listSentinelsByToken(db.kysely, [first.token_hash])).length, 1);
  await stop(two);
  const archived = await find();
  assert.equal(archived?.desired_state, "archived");
  assert.ok((archived?.version ?? 0) > first.version);
  assert.deepEqual(await listSentinelsByToken(db.kysely, [first.token_hash]), []);
  assert.deepEqual(await pageDesiredSentinels(db.kysely, region, 0, 10), []);

  await place({});
  const revived = await find();
  assert.equal(revived?.desired_state, "running");
  assert.equal(revived?.k8s_name, first.k8s_name);
  assert.notEqual(revived?.token_hash, first.token_hash, "what was archived gets another credential");
  assert.notEqual(revived?.encrypted_token, first.encrypted_token);
});

/** Two transactions that each believe to be alone would archive what the other one needs. */
test("stopping the last deployment while a new one is placed never leaves it without a sentinel", async (db) => {
  const { place, stop, find } = await begin(db);
  let last = await place({});
  for (let round = 0; round < 15; round++) {
    const [next] = await Promise.all([place({}), stop(last)]);
    assert.equal((await find())?.desired_state, "running", `round ${round}`);
    last = next;
  }
  await stop(last);
  assert.equal((await find())?.desired_state, "archived");
});

test("the sweep finds what is missing, archived, other than the settings say, or idle", async (db) => {
  const { owner, region, place, stop, find } = await begin(db);
  const look = async (production: SentinelShape) =>
    (await listPlacementsWithoutSentinel(db.kysely, { shapes: { production, other: SHAPE }, limit: 1_000 }))
      .filter((each) => each.environmentId === owner.environmentId);
  const expected = [{ ...owner, environmentSlug: "production", region }];
  const bare = await place();
  assert.deepEqual(await look(SHAPE), expected, "missing");
  await place({});
  assert.deepEqual(await look(SHAPE), []);
  for (const change of [{ image: "unkey:2" }, { replicas: 2 }, { cpuMillicores: 1 }, { memoryMib: 1 }]) {
    assert.deepEqual(await look({ ...SHAPE, ...change }), expected, JSON.stringify(change));
  }
  const { id = "" } = await find() ?? {};
  const idle = async () => (await listIdleSentinels(db.kysely, 1_000)).some((each) => each.id === id);
  assert.equal(await idle(), false);
  assert.ok(await transact(db, (tx) => archiveSentinel(tx, { id, region, nowMs: NOW_MS })));
  assert.deepEqual(await look(SHAPE), expected, "archived");
  await place({});
  // What a part without this knowledge would leave behind.
  await db.kysely.updateTable("deployment_topology").set({ desired_status: "stopped" })
    .where("region", "=", region).execute();
  assert.equal(await idle(), true);
  assert.deepEqual(await look(SHAPE), []);
  assert.deepEqual(await stop(bare), []);
});

test("a report is taken from its own region only, and an older one not at all", async (db) => {
  const { region, place, find } = await begin(db);
  await place({});
  const { k8s_name: k8sName = "" } = await find() ?? {};
  const report = (changes: { region?: string; generation?: number; availableReplicas?: number }) =>
    reportSentinel(db.kysely, {
      k8sName,
      region,
      health: "healthy",
      availableReplicas: 1,
      address: "",
      generation: 5,
      nowMs: NOW_MS,
      ...changes,
    });
  assert.equal(await report({ region: "elsewhere" }), false);
  assert.equal((await find())?.health, "unknown");
  assert.equal(await report({}), true);
  assert.equal(await report({ generation: 4, availableReplicas: 0 }), false);
  const row = await find();
  assert.deepEqual([row?.health, row?.available_replicas, row?.k8s_address], [
    "healthy",
    1,
    `${k8sName}:8040`,
  ]);
  assert.equal(await report({ generation: 0, availableReplicas: 3 }), true, "clients that do not count");
  assert.equal((await find())?.available_replicas, 3);
});
