import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  assignRoutes,
  compactChanges,
  type CtrlDatabase,
  EDGE_REGION,
  findOldestChange,
  findRegionVersion,
  type HeardAgent,
  leaseApiProcess,
  listAgents,
  listCoalescedChanges,
  listDeploymentViewsByIds,
  listDesiredDeployments,
  listEndpoints,
  listInstances,
  listLiveRegions,
  listNudgeUrls,
  listRoutesOfDeployment,
  listTopology,
  pageDesiredDeployments,
  placeDeployment,
  recordAgents,
  removeApiProcess,
  replaceReported,
  type ReportedInstance,
  stopTopology,
  type WantedRoute,
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
  const taken = { kind: "taken", changed: true };
  const pending = { status: "pending", address: "" } as const;
  assert.deepEqual(await report(1, instance("a", pending)), { ...taken, endpointsChanged: false });
  assert.deepEqual(await report(2, instance("a"), instance("b", pending)), {
    ...taken,
    endpointsChanged: true,
  });
  assert.deepEqual(
    await report(3, instance("a"), instance("b", pending)),
    { kind: "taken", changed: false, endpointsChanged: false },
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
  assert.deepEqual(await report(7), { kind: "stale" });
  assert.deepEqual(await report(6), { kind: "stale" });
  assert.equal((await listInstances(db.kysely, id)).length, 1);
  await Promise.all([12, 9, 11, 8, 10].map((generation) => report(generation, instance(`g${generation}`))));
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.k8s_name), ["g12"]);
  assert.equal((await report(0)).kind, "taken", "clients that do not count are taken as they come");
  assert.equal((await listTopology(db.kysely, id))[0]?.reported_generation, 12);
});

/** Otherwise traffic goes to whoever has the address now, and a start finds its instances running that are long gone. */
test("a stop forgets what was reported and tells the edges, and nothing is stored until a start", async (db) => {
  const seed = await seedProject(db);
  const [here, there] = [newDnsName(10), newDnsName(10)];
  const { id } = await seedDeployment(db, seed);
  const [report, reportThere] = [reporter(db, seed, id, here), reporter(db, seed, id, there)];
  for (const region of [here, there]) await place(db, seed, id, region);
  await report(5, instance("a"));
  await reportThere(5, instance("far", { status: "pending", address: "" }));
  const edges = await findRegionVersion(db.kysely, EDGE_REGION);
  const news = (after: number) =>
    listCoalescedChanges(db.kysely, { region: EDGE_REGION, after, resourceTypes: ["endpoints"] });
  const stop = (regions: string[]) =>
    transact(db, (tx) => stopTopology(tx, { deploymentId: id, regions, nowMs: NOW_MS }));

  await stop([there]);
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.k8s_name), ["a"]);
  assert.deepEqual(await news(edges), [], "what took no requests is no news");
  await stop([here, there]);
  assert.deepEqual(await listInstances(db.kysely, id), []);
  assert.deepEqual((await news(edges)).map((each) => each.resourceId), [id]);

  assert.deepEqual(await report(6, instance("a")), {
    kind: "taken",
    changed: false,
    endpointsChanged: false,
  });
  assert.deepEqual(await listEndpoints(db.kysely, [id]), []);
  await place(db, seed, id, here);
  assert.deepEqual(await listInstances(db.kysely, id), []);
  assert.deepEqual(await report(6, instance("a")), { kind: "stale" }, "it was counted");
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

function assigner(db: CtrlDatabase, seed: Seed) {
  return (deploymentId: string, environmentId: string, ...routes: WantedRoute[]) =>
    transact(db, (tx) =>
      assignRoutes(tx, {
        routes,
        deploymentId,
        environmentId,
        projectId: seed.projectId,
        workspaceId: seed.workspaceId,
        nowMs: NOW_MS,
      }));
}

test("a hostname moves within its owner, and nobody else can take it", async (db) => {
  const [mine, other] = [await seedProject(db), await seedProject(db)];
  const name = newDnsName(12);
  const live = { hostname: `${name}.localhost`, sticky: "live" } as const;
  const branch = { hostname: `${name}-git-main.localhost`, sticky: "branch" } as const;
  const [d1, d2] = [(await seedDeployment(db, mine)).id, (await seedDeployment(db, mine)).id];
  const theirs = (await seedDeployment(db, other)).id;
  const assign = assigner(db, mine);

  assert.deepEqual(await assign(d1, mine.productionId, live, branch), {
    kind: "assigned",
    moved: [{ hostname: branch.hostname, from: undefined }, { hostname: live.hostname, from: undefined }],
  });
  const version = await findRegionVersion(db.kysely, EDGE_REGION);
  assert.deepEqual(await assign(d1, mine.productionId, live, branch), { kind: "assigned", moved: [] });
  assert.equal(
    await findRegionVersion(db.kysely, EDGE_REGION),
    version,
    "nothing changed, so nothing is told",
  );
  assert.deepEqual(await assign(d2, mine.productionId, live), {
    kind: "assigned",
    moved: [{ hostname: live.hostname, from: d1 }],
  });

  const free = { hostname: `${name}-free.localhost`, sticky: "none" } as const;
  assert.deepEqual(await assigner(db, other)(theirs, other.productionId, free, live, branch), {
    kind: "taken",
    hostnames: [branch.hostname, live.hostname],
  });
  assert.deepEqual(await listRoutesOfDeployment(db.kysely, theirs), []);
  assert.deepEqual(
    await assign(d1, mine.previewId, live),
    { kind: "taken", hostnames: [live.hostname] },
    "a name of an environment does not move to another one",
  );
  assert.equal((await assign(d1, mine.previewId, branch)).kind, "assigned");
  const names = async (id: string) => (await listDeploymentViewsByIds(db.kysely, [id])).get(id)?.hostnames;
  assert.deepEqual(await names(d1), [branch.hostname]);
  assert.deepEqual(await names(d2), [live.hostname]);
});

test("of several projects that claim one free hostname at once, one gets it", async (db) => {
  const seeds = await Promise.all(Array.from({ length: 6 }, () => seedProject(db)));
  const route = { hostname: `${newDnsName(12)}.localhost`, sticky: "live" } as const;
  const outcomes = await Promise.all(seeds.map(async (seed) => {
    const { id } = await seedDeployment(db, seed);
    return await assigner(db, seed)(id, seed.productionId, route);
  }));
  assert.equal(outcomes.filter((each) => each.kind === "assigned").length, 1);
});

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

test("agents are remembered with how far they are and what they refused", async (db) => {
  const region = newDnsName(10);
  const agentId = newDnsName(10);
  const agent = { agentId, region };
  const hear = (heard: Omit<HeardAgent, "agentId" | "region">) =>
    transact(
      db,
      (tx) => recordAgents(tx, [{ ...agent, ...heard }, { agentId: `${agentId}-2`, region, nowMs: 1 }]),
    );
  await hear({ nowMs: NOW_MS });
  await hear({
    progress: { appliedVersion: 7, observedVersion: 9 },
    nack: { resource: "d_1", error: "no such image" },
    nowMs: NOW_MS + 1,
  });
  await hear({ progress: { appliedVersion: 9, observedVersion: 9 }, nowMs: NOW_MS + 2 });
  await hear({ nowMs: NOW_MS + 3 });
  assert.deepEqual(await listAgents(db.kysely, { sinceMs: NOW_MS, region }), [{
    agent_id: agentId,
    region,
    applied_version: 9,
    observed_version: 9,
    last_seen_at: NOW_MS + 3,
    last_nack_resource: "d_1",
    last_nack_error: "no such image",
    last_nack_at: NOW_MS + 1,
  }]);
  assert.ok((await listLiveRegions(db.kysely, NOW_MS + 3)).has(region));
  assert.ok(!(await listLiveRegions(db.kysely, NOW_MS + 4)).has(region));
});

test("api processes are nudged while their lease holds", async (db) => {
  const id = newDnsName(10);
  const lease = (leaseExpiresAtMs: number) =>
    leaseApiProcess(db.kysely, { id, nudgeUrl: `http://${id}`, leaseExpiresAtMs });
  const isListed = async () => (await listNudgeUrls(db.kysely, NOW_MS)).includes(`http://${id}`);
  await lease(NOW_MS);
  assert.equal(await isListed(), false);
  await lease(NOW_MS + 1);
  assert.equal(await isListed(), true);
  await removeApiProcess(db.kysely, id);
  assert.equal(await isListed(), false);
});
