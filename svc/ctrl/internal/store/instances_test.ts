import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  findRegionVersion,
  listCoalescedChanges,
  listDeploymentViewsByIds,
  listEndpoints,
  listInstances,
  listTopology,
  placeDeployment,
  replaceReported,
  type ReportedInstance,
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

function instance(name: string, changes: Partial<ReportedInstance> = {}): ReportedInstance {
  return {
    k8s_name: name,
    address: "127.0.0.1:30000",
    cpu_millicores: 250,
    memory_mib: 256,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
    ...changes,
  };
}

function reporter(db: CtrlDatabase, seed: Seed, deploymentId: string, region: string) {
  return (generation: number, ...instances: ReportedInstance[]) =>
    transact(db, (tx) =>
      replaceReported(tx, {
        deploymentId,
        workspaceId: seed.workspaceId,
        projectId: seed.projectId,
        region,
        generation,
        instances,
        nowMs: NOW_MS,
      }));
}

test("a report replaces the region's instances, and only what takes requests reaches the edges", async (db) => {
  const seed = await seedProject(db);
  const [here, there] = [newDnsName(10), newDnsName(10)];
  const { id } = await seedDeployment(db, seed);
  const [report, reportThere] = [reporter(db, seed, id, here), reporter(db, seed, id, there)];
  assert.deepEqual(await report(1), { kind: "unplaced" });
  await place(db, seed, id, here);
  await place(db, seed, id, there);
  const edges = () => findRegionVersion(db.kysely, EDGE_REGION);
  const start = await edges();

  await reportThere(1, instance("far"));
  const taken = { kind: "taken", changed: true, isRunOver: false };
  const pending = { status: "pending", address: "" } as const;
  assert.deepEqual(await report(1, instance("a", pending)), { ...taken, endpointsChanged: false });
  assert.deepEqual(await report(2, instance("a"), instance("b", pending)), {
    ...taken,
    endpointsChanged: true,
  });
  assert.deepEqual(
    await report(3, instance("a"), instance("b", pending)),
    { kind: "taken", changed: false, endpointsChanged: false, isRunOver: false },
  );
  assert.deepEqual(
    (await listEndpoints(db.kysely, [id])).map((row) => row.region).sort(),
    [here, there].sort(),
  );
  const shown = (await listDeploymentViewsByIds(db.kysely, [id])).get(id);
  assert.equal(shown?.runningInstances, 2);
  assert.deepEqual(shown.regions.map(({ replicas }) => replicas), [1, 1]);
  const [first] = (await listInstances(db.kysely, id)).filter((row) => row.k8s_name === "a");
  await report(4, instance("a", { status: "failed", reason: "oom_killed", exit_code: 137, restarts: 2 }));
  const rows = (await listInstances(db.kysely, id)).filter((row) => row.region === here);
  assert.deepEqual(rows.map((row) => [row.id, row.k8s_name, row.status, row.exit_code]), [
    [first?.id, "a", "failed", 137],
  ]);
  assert.deepEqual((await listInstances(db.kysely, id)).filter((row) => row.region === there).length, 1);
  assert.equal(await edges(), start + 3, "one for the far one, one for the address, one for its loss");
});

/** Without this, a slow old report makes a dead instance look alive until the next one. */
test("a report that is not newer than the last one changes nothing", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const { id } = await seedDeployment(db, seed);
  await place(db, seed, id, region);
  const report = reporter(db, seed, id, region);
  assert.equal((await report(7, instance("a"))).kind, "taken");
  assert.deepEqual(await report(7), { kind: "stale", newerGeneration: 7 });
  assert.deepEqual(await report(6), { kind: "stale", newerGeneration: 7 });
  assert.equal((await listInstances(db.kysely, id)).length, 1);
  await Promise.all([12, 9, 11, 8, 10].map((generation) => report(generation, instance(`g${generation}`))));
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.k8s_name), ["g12"]);
  assert.equal((await report(0)).kind, "taken", "clients that do not count are taken as they come");
  assert.equal((await listTopology(db.kysely, id))[0]?.reported_generation, 12);
});

/**
 * Otherwise traffic goes to the container that has the address now, and a start finds its instances running that are
 * long gone.
 */
test("a stop forgets what was reported and tells the edges, and nothing is stored until a start", async (db) => {
  const seed = await seedProject(db);
  const [here, there] = [newDnsName(10), newDnsName(10)];
  const { id } = await seedDeployment(db, seed);
  const [report, reportThere] = [reporter(db, seed, id, here), reporter(db, seed, id, there)];
  for (const region of [here, there]) await place(db, seed, id, region);
  await report(5, instance("a"));
  await reportThere(5, instance("far", { status: "pending", address: "" }));
  const edges = await findRegionVersion(db.kysely, EDGE_REGION);
  const changesAfter = (after: number) =>
    listCoalescedChanges(db.kysely, { region: EDGE_REGION, after, resourceTypes: ["endpoints"] });
  const stop = (regions: string[]) =>
    transact(db, (tx) => stopTopology(tx, { deploymentId: id, regions, nowMs: NOW_MS }));

  await stop([there]);
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.k8s_name), ["a"]);
  assert.deepEqual(await changesAfter(edges), [], "what took no requests is no change");
  await stop([here, there]);
  assert.deepEqual(await listInstances(db.kysely, id), []);
  assert.deepEqual((await changesAfter(edges)).map((each) => each.resourceId), [id]);

  assert.deepEqual(await report(6, instance("a")), {
    kind: "taken",
    isRunOver: false,
    changed: false,
    endpointsChanged: false,
  });
  assert.deepEqual(await listEndpoints(db.kysely, [id]), []);
  await place(db, seed, id, here);
  assert.deepEqual(await listInstances(db.kysely, id), []);
  assert.deepEqual(await report(6, instance("a")), { kind: "stale", newerGeneration: 6 }, "it was counted");
  assert.equal((await report(7, instance("a"))).kind, "taken");
  assert.equal((await listEndpoints(db.kysely, [id])).length, 1);
});

/** Each of them locks the placement first, so that the later one knows of the earlier. */
test("of reports and stops that happen at once, none leaves an instance of a stopped deployment", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const ids = await Promise.all(Array.from({ length: 8 }, async () => (await seedDeployment(db, seed)).id));
  for (const id of ids) await place(db, seed, id, region);
  await Promise.all(ids.flatMap((id) => [
    ...[1, 2, 3].map((generation) => reporter(db, seed, id, region)(generation, instance(`${id}-a`))),
    transact(db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: NOW_MS })),
  ]));
  for (const id of ids) assert.deepEqual(await listInstances(db.kysely, id), []);
});

test("an instance name that moves to another deployment takes its row along", async (db) => {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const [one, two] = [await seedDeployment(db, seed), await seedDeployment(db, seed)];
  for (const { id } of [one, two]) await place(db, seed, id, region);
  await reporter(db, seed, one.id, region)(1, instance("same"));
  await reporter(db, seed, two.id, region)(1, instance("same"));
  assert.deepEqual(await listInstances(db.kysely, one.id), []);
  assert.equal((await listInstances(db.kysely, two.id)).length, 1);
});
