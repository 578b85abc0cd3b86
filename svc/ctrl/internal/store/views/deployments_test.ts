/** What only the API asks, on every supported database. */
import assert from "node:assert/strict";
import { sql } from "kysely";
import { transact } from "../../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { listQueuePlaces } from "./queue.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import {
  assignRoutes,
  type BuildSlotsTable,
  countInstancesByRegion,
  createUpload,
  dataKeyStore,
  endStep,
  extendUpload,
  findLogEnds,
  insertInstanceLogs,
  listDeploymentViews,
  listDeploymentViewsByIds,
  listEventHeads,
  listInstanceLogsAfter,
  listLiveDeployments,
  listOwnResources,
  listUnneededUploads,
  moveStatus,
  placeDeployment,
  replaceReported,
  saveBuildSlots,
  startStep,
  swapLiveDeployment,
  timeNsText,
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
    { region: "eu", desired: 1, running: 0 },
    { region: "us", desired: 2, running: 1 },
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

test("an expired upload goes when no active deployment needs it", async (db) => {
  const seed = await seedProject(db);
  const key = `${seed.projectId}/build_1.tar.gz`;
  const id = `build_${newDnsName(12)}`;
  await createUpload(db.kysely, {
    id,
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    object_key: key,
    size_bytes: 1,
    checksum_sha256: "",
    created_at: 1,
    expires_at: 1,
  });
  const deployment = await seedDeployment(db, seed, { source: "context", build_context_path: key });
  const unneeded = async () =>
    (await listUnneededUploads(db.kysely, { beforeMs: NOW_MS, limit: 1_000 })).map((row) => row.id);
  assert.ok(!(await unneeded()).includes(id));
  const move = { id: deployment.id, from: ["pending"], to: "failed", nowMs: NOW_MS } as const;
  await transact(db, (tx) => moveStatus(tx, move));
  assert.ok((await unneeded()).includes(id));
  await extendUpload(db.kysely, id, NOW_MS + 1);
  assert.ok(!(await unneeded()).includes(id));
});

test("the vault's keys and the ends of logs are found again", async (db) => {
  const store = dataKeyStore(db.kysely);
  const keyring = `env_${newDnsName(12)}`;
  const key = (id: string, createdAtMs: number) => ({
    id: `${id}_${keyring}`,
    keyring,
    encryptedKey: "x",
    createdAtMs,
  });
  assert.equal(await store.newest(keyring), undefined);
  await store.add(key("dek_1", 1));
  await store.add(key("dek_2", 2));
  assert.deepEqual(await store.newest(keyring), key("dek_2", 2));
  assert.deepEqual(await store.byId(`dek_1_${keyring}`), key("dek_1", 1));
  const deployment_id = `d_${newDnsName(12)}`;
  const line = (instance: string, time: bigint, ordinal = 0) => ({
    deployment_id,
    instance,
    time_ns: timeNsText(time),
    ordinal,
    region: "eu",
    stream: "stdout" as const,
    text: `${time}`,
  });
  await insertInstanceLogs(db.kysely, [line("a", 1n, 9), line("a", 5n, 3), line("b", 2n)]);
  const ends = await findLogEnds(db.kysely, deployment_id);
  await insertInstanceLogs(db.kysely, [line("b", 3n), line("c", 1n), line("a", 5n, 4)]);
  const rest = await listInstanceLogsAfter(db.kysely, deployment_id, ends, 10);
  assert.deepEqual(rest.map(({ instance, text }) => [instance, text]), [["c", "1"], ["b", "3"], ["a", "5"]]);
});

test("a queued deployment shows its place, and who is in its way", async (db) => {
  const [seed, elsewhere] = [await seedProject(db), await seedProject(db)];
  const add = async (
    owner: typeof seed,
    row: Partial<BuildSlotsTable>,
    status = "queued",
  ): Promise<string> => {
    const { id, workspace_id } = await seedDeployment(db, owner, { image: null, git_branch: newDnsName(9) });
    await sql`update deployments set status = ${status} where id = ${id}`.execute(db.kysely);
    const slot = { deployment_id: id, workspace_id, state: "waiting", enqueued_at: 7, turn_at: 10 } as const;
    const rest = { lease_until: null, ticket: 1, reported_ahead: null };
    await transact(db, (tx) => saveBuildSlots(tx, [{ ...slot, ...rest, ...row }]));
    return id;
  };
  const holder = await add(seed, { state: "holding", lease_until: 99 }, "building");
  const late = await add(seed, { turn_at: 30 });
  const next = await add(seed, { turn_at: 20 });
  // Neither counts: one is over, the other waits elsewhere.
  await add(seed, { turn_at: 1 }, "superseded");
  await add(elsewhere, { turn_at: 2 });
  const running = [{ id: holder, project: "shop", environment: "production" }];
  const shown = await listDeploymentViewsByIds(db.kysely, [holder, late, next]);
  assert.deepEqual([holder, late, next].map((id) => shown.get(id)?.queue), [
    undefined,
    { ahead: 1, running, queuedAt: 7 },
    { ahead: 0, running, queuedAt: 7 },
  ]);
  const filter = { projectIds: undefined, environmentSlug: undefined, before: undefined, limit: 10 };
  const listed = await listDeploymentViews(db.kysely, { workspaceId: seed.workspaceId, ...filter });
  assert.deepEqual(listed.find(({ id }) => id === late)?.queue?.ahead, 1);
  assert.equal((await listQueuePlaces(db.kysely, [])).size, 0);
});
