import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  announceLiveRoutes,
  assignRoutes,
  deleteGraduals,
  endGradualRow,
  findGradualSwitch,
  findRegionVersion,
  findRunningGradual,
  type GradualSwitchesTable,
  insertGradualSwitch,
  listGradualSwitches,
  listRoutes,
  listServed,
  listUnwatchedGraduals,
  lockGradualSwitch,
  noteGradualLook,
  pageRoutes,
  setGradualStep,
} from "./mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { ROWS } from "./testing_rows.ts";

const test = testOnCtrlDatabases();

function rowOf(changes: Partial<GradualSwitchesTable>): GradualSwitchesTable {
  return {
    ...ROWS.gradual_switches,
    running_in: changes.ended_at === undefined ? changes.environment_id ?? "e" : null,
    created_at: NOW_MS,
    looked_at: NOW_MS,
    step: 0,
    ended_at: null,
    ...changes,
  };
}

test("an environment has one gradual switch that runs, and any number that ended", async (db) => {
  const { productionId: environment_id } = await seedProject(db);
  const one = rowOf({ id: "gs_one", environment_id });
  await transact(db, (tx) => insertGradualSwitch(tx, one));
  await assert.rejects(transact(db, (tx) => insertGradualSwitch(tx, { ...one, id: "gs_two" })));
  assert.equal((await findRunningGradual(db.kysely, environment_id))?.id, "gs_one");
  await transact(db, async (tx) => {
    await setGradualStep(tx, { id: "gs_one", step: 1, nowMs: NOW_MS + 1 });
    const locked = await lockGradualSwitch(tx, "gs_one");
    assert.deepEqual([locked?.step, locked?.step_started_at], [1, NOW_MS + 1]);
    await endGradualRow(tx, { id: "gs_one", state: "aborted", reason: "worse", nowMs: NOW_MS + 2 });
  });
  await transact(db, (tx) => insertGradualSwitch(tx, { ...one, id: "gs_two" }));
  await transact(db, async (tx) => {
    await endGradualRow(tx, { id: "gs_one", state: "completed", reason: "late", nowMs: NOW_MS + 3 });
    await setGradualStep(tx, { id: "gs_one", step: 0, nowMs: NOW_MS + 3 });
  });
  const { evidence } = one;
  const look = { looks: 4, requests_seen: 5, looks_without_instance: 1, looked_at: NOW_MS + 9, evidence };
  await noteGradualLook(db.kysely, "gs_one", look);
  const ended = await findGradualSwitch(db.kysely, "gs_one");
  assert.deepEqual(
    [ended?.state, ended?.reason, ended?.step, ended?.ended_at, ended?.running_in, ended?.looked_at],
    ["aborted", "worse", 1, NOW_MS + 2, null, NOW_MS],
  );
  await noteGradualLook(db.kysely, "gs_two", look);
  assert.equal((await findGradualSwitch(db.kysely, "gs_two"))?.looks, 4);
});

test("routes that stand for the environment have the share while they lead to the live deployment", async (db) => {
  const seed = await seedProject(db);
  const [live, next, other] = [
    await seedDeployment(db, seed),
    await seedDeployment(db, seed),
    await seedDeployment(db, seed),
  ];
  const { workspaceId, projectId, productionId: environmentId } = seed;
  const owner = { environmentId, projectId, workspaceId, nowMs: NOW_MS };
  const names = {
    environment: "env.test",
    live: "live.test",
    branch: "branch.test",
    none: "commit.test",
  } as const;
  await transact(db, (tx) =>
    assignRoutes(tx, {
      ...owner,
      deploymentId: live.id,
      routes: Object.entries(names).map(([sticky, hostname]) => ({
        hostname,
        sticky: sticky as keyof typeof names,
      })),
    }));
  const row = rowOf({
    id: "gs_s",
    environment_id: environmentId,
    deployment_id: next.id,
    former_deployment_id: live.id,
  });
  await transact(db, (tx) => insertGradualSwitch(tx, row));
  const before = await findRegionVersion(db.kysely, "*");
  await transact(db, (tx) => announceLiveRoutes(tx, environmentId, NOW_MS));
  assert.equal(await findRegionVersion(db.kysely, "*"), before + 2);
  const split = async () => {
    const page = (await pageRoutes(db.kysely, "", 500)).filter((each) =>
      each.environment_id === environmentId
    );
    const listed = await listRoutes(db.kysely, page.map(({ id }) => id));
    const shown = (rows: typeof page) =>
      rows.filter(({ gradual }) => gradual?.id === "gs_s").map(({ hostname }) => hostname).toSorted();
    assert.deepEqual(shown(listed), shown(page));
    return shown(page);
  };
  assert.deepEqual(await split(), ["env.test", "live.test"]);
  assert.deepEqual(
    await listServed(db.kysely, { deploymentId: next.id, workspaceId }),
    ['a part of the environment "production"'],
  );
  await transact(
    db,
    (tx) =>
      assignRoutes(tx, {
        ...owner,
        deploymentId: other.id,
        routes: [{ hostname: "live.test", sticky: "live" }],
      }),
  );
  assert.deepEqual(await split(), ["env.test"]);
  await transact(
    db,
    (tx) => endGradualRow(tx, { id: "gs_s", state: "replaced", reason: "r", nowMs: NOW_MS }),
  );
  assert.deepEqual(await split(), []);
  assert.deepEqual(await listServed(db.kysely, { deploymentId: next.id, workspaceId }), []);
});

test("gradual switches are listed newest first, found when unwatched, and removed when they ended long ago", async (db) => {
  const { workspaceId: workspace_id, projectId: project_id } = await seedProject(db);
  const rows = [1, 2, 3, 4].map((age) =>
    rowOf({
      id: `gs_l${age}`,
      workspace_id,
      project_id,
      environment_id: `${project_id}_${age}`,
      environment_slug: age === 4 ? "preview" : "production",
      deployment_id: `${project_id}_d${age}`,
      created_at: NOW_MS - age,
      looked_at: NOW_MS - 100 * age,
      ...age > 2 ? { ended_at: NOW_MS } : {},
    })
  );
  await transact(db, async (tx) => {
    for (const row of rows) await insertGradualSwitch(tx, row);
  });
  const base = {
    workspaceId: workspace_id,
    projectIds: undefined,
    environmentSlug: undefined,
    deploymentId: undefined,
    isRunning: false,
    before: undefined,
    limit: 10,
  };
  const list = async (changes: Partial<typeof base> | Record<string, unknown>) =>
    (await listGradualSwitches(db.kysely, { ...base, ...changes })).map(({ id }) => id.slice(4)).join("");
  assert.equal(await list({}), "1234");
  assert.equal(await list({ isRunning: true }), "12");
  assert.equal(await list({ environmentSlug: "preview" }), "4");
  assert.equal(await list({ deploymentId: `${project_id}_d3` }), "3");
  assert.equal(await list({ projectIds: [project_id], limit: 2 }), "12");
  assert.equal(await list({ projectIds: [] }), "");
  assert.equal(await list({ projectIds: ["proj_other"] }), "");
  assert.equal(await list({ before: { createdAt: NOW_MS - 2, id: "gs_l2" } }), "34");
  const unwatched = await listUnwatchedGraduals(db.kysely, { beforeMs: NOW_MS - 150, limit: 100 });
  assert.deepEqual(unwatched.filter((id) => id.startsWith("gs_l")), ["gs_l2"]);
  assert.ok(await transact(db, (tx) => deleteGraduals(tx, { beforeMs: NOW_MS - 3, limit: 100 })) >= 1);
  assert.equal(await list({}), "123");
});
