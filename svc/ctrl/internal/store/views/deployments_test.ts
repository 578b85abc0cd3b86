import assert from "node:assert/strict";
import { transact } from "../../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import {
  assignRoutes,
  countInstancesByRegion,
  endStep,
  listDeploymentViews,
  listDeploymentViewsByIds,
  listEventHeads,
  type ListFilter,
  listLiveDeployments,
  listOwnResources,
  placeDeployment,
  replaceReported,
  startStep,
  swapLiveDeployment,
} from "../mod.ts";

const test = testOnCtrlDatabases();

test("a shown deployment holds everything that belongs to it, and nothing of another", async (db) => {
  const seed = await seedProject(db);
  const [full, bare] = [await seedDeployment(db, seed), await seedDeployment(db, seed)];
  const name = newDnsName(12);
  const of = { deploymentId: full.id, workspaceId: seed.workspaceId, projectId: seed.projectId };
  await transact(db, async (tx) => {
    await startStep(tx, { deploymentId: full.id, name: "building", message: "Building", nowMs: NOW_MS });
    await endStep(tx, { deploymentId: full.id, name: "building", status: "done", nowMs: NOW_MS + 5 });
    await startStep(tx, { deploymentId: full.id, name: "deploying", message: "", nowMs: NOW_MS + 5 });
    const regions = [{ region: "us", replicas: 2 }, { region: "eu", replicas: 1 }];
    await placeDeployment(tx, { ...of, regions, nowMs: NOW_MS });
    const instance = {
      k8s_name: name,
      address: "10.0.0.1:80",
      cpu_millicores: 1,
      memory_mib: 1,
      status: "running" as const,
      reason: "",
      message: "",
      exit_code: null,
      restarts: 0,
      last_log_lines: "[]",
      last_end: null,
    };
    const other = { ...instance, k8s_name: `${name}-2`, status: "failed" as const };
    await replaceReported(tx, {
      ...of,
      region: "us",
      generation: 1,
      instances: [instance, other],
      nowMs: NOW_MS,
    });
    const routes = [
      { hostname: `b-${name}.localhost`, sticky: "branch" as const },
      { hostname: `z-${name}.localhost`, sticky: "live" as const },
    ];
    await assignRoutes(tx, { ...of, routes, environmentId: seed.productionId, nowMs: NOW_MS });
    const swap = { environmentId: seed.productionId, expected: undefined, next: full.id, rolledBack: false };
    assert.ok(await swapLiveDeployment(tx, { ...swap, nowMs: NOW_MS }));
  });
  const found = await listDeploymentViewsByIds(db.kysely, [full.id, bare.id, "d_missing"]);
  assert.deepEqual([...found.keys()].toSorted(), [full.id, bare.id].toSorted());
  const shown = found.get(full.id);
  assert.deepEqual(shown?.regions, [
    { region: "eu", replicas: 1, started: true },
    { region: "us", replicas: 2, started: true },
  ]);
  assert.deepEqual(shown?.steps.map(({ name, status, endedAt }) => [name, status, endedAt]), [
    ["building", "done", NOW_MS + 5],
    ["deploying", "running", undefined],
  ]);
  assert.deepEqual(
    shown?.hostnames,
    [`z-${name}.localhost`, `b-${name}.localhost`],
    "the best name comes first",
  );
  assert.deepEqual([shown?.live, shown?.runningInstances, shown?.environmentSlug], [true, 1, "production"]);
  const other = found.get(bare.id);
  assert.equal(other?.environmentLiveDeploymentId, full.id);
  assert.deepEqual([other?.live, other?.runningInstances, other?.regions, other?.steps, other?.hostnames], [
    false,
    0,
    [],
    [],
    [],
  ]);
  const counts = await countInstancesByRegion(db.kysely, seed.workspaceId);
  assert.deepEqual(counts.toSorted((a, b) => a.region < b.region ? -1 : 1), [
    { region: "eu", desired: 1, running: 0, refused: 0 },
    { region: "us", desired: 2, running: 1, refused: 0 },
  ]);
  const live = await listLiveDeployments(db.kysely, seed.workspaceId, "production");
  assert.deepEqual([...live], [[seed.projectId, full.id]]);
  const own = await listOwnResources(db.kysely, seed.workspaceId, [full.id, "d_missing"]);
  assert.deepEqual([...own], [full.id]);
});

test("lists page without gaps, also where times are equal", async (db) => {
  const seed = await seedProject(db);
  const ids: string[] = [];
  for (const created_at of [NOW_MS, NOW_MS, NOW_MS + 1]) {
    ids.push((await seedDeployment(db, seed, { created_at })).id);
  }
  const filter = {
    workspaceId: seed.workspaceId,
    projectIds: undefined,
    environmentSlug: undefined,
    limit: 1,
  };
  const seen: string[] = [];
  let page = await listDeploymentViews(db.kysely, { ...filter, before: undefined });
  while (page.length > 0) {
    seen.push(...page.map(({ id }) => id));
    page = await listDeploymentViews(db.kysely, { ...filter, before: page.at(-1) });
  }
  assert.deepEqual(seen.toSorted(), ids.toSorted());
  assert.equal(seen[0], ids[2]);
  const preview = { ...filter, before: undefined, environmentSlug: "preview" };
  assert.deepEqual(await listDeploymentViews(db.kysely, preview), []);
  assert.deepEqual(await listDeploymentViews(db.kysely, { ...preview, projectIds: [] }), []);
  const [head] = await listEventHeads(db.kysely, [ids[0] ?? ""]);
  assert.deepEqual(head, { id: ids[0], sequence: 1, status: "pending" });
});

function ofWorkspace(workspaceId: string): ListFilter {
  return { workspaceId, projectIds: undefined, environmentSlug: undefined, before: undefined, limit: 100 };
}

test("a deployment is seen with its names, hosts and instances, by its own workspace only", async (db) => {
  const [mine, other] = [await seedProject(db), await seedProject(db)];
  const { id } = await seedDeployment(db, mine);
  assert.deepEqual(await listDeploymentViews(db.kysely, ofWorkspace(other.workspaceId)), []);
  const [shown] = await listDeploymentViews(db.kysely, ofWorkspace(mine.workspaceId));
  assert.equal(shown?.id, id);
  assert.equal(shown.environmentSlug, "production");
  assert.equal(shown.projectSlug, "shop");
  assert.equal(shown.live, false);
  assert.deepEqual(shown.hostnames, []);
  assert.deepEqual(shown.regions, []);
  assert.equal(shown.runningInstances, 0);
});

test("pages of deployments are newest first and neither skip nor repeat, also among equal times", async (db) => {
  const seed = await seedProject(db);
  const ids: string[] = [];
  for (let n = 0; n < 7; n++) {
    ids.push((await seedDeployment(db, seed, { created_at: NOW_MS + Math.floor(n / 3) })).id);
  }
  const seen: string[] = [];
  let before: ListFilter["before"];
  for (let page = 0; page < 10; page++) {
    const shown = await listDeploymentViews(db.kysely, {
      workspaceId: seed.workspaceId,
      projectIds: [seed.projectId],
      environmentSlug: "production",
      limit: 2,
      before,
    });
    const last = shown.at(-1);
    if (last === undefined) break;
    seen.push(...shown.map((each) => each.id));
    before = { createdAt: last.createdAt, id: last.id };
  }
  assert.deepEqual(seen.toSorted(), ids.toSorted());
  assert.equal(seen[0], ids[6]);
  assert.deepEqual(
    await listDeploymentViews(db.kysely, { ...ofWorkspace(seed.workspaceId), projectIds: [] }),
    [],
  );
});
