/** Tasks move forward only, whatever order their reports come in; on every database. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import type { CtrlDatabase } from "./database.ts";
import {
  announcePlacement,
  createTask,
  findTask,
  listDesiredDeployments,
  listTasks,
  placeDeployment,
  recordTasks,
  RELEASE_TASK,
  type ReportedTask,
  settleTask,
} from "./mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();
const REGION = "eu-1";

async function placed(db: CtrlDatabase): Promise<string> {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed);
  const regions = [REGION, "us-1"].map((region) => ({ region, replicas: 2 }));
  await transact(db, async (tx) => {
    await placeDeployment(tx, { deploymentId: id, workspaceId: seed.workspaceId, regions, nowMs: NOW_MS });
    const task = { deployment_id: id, name: RELEASE_TASK, workspace_id: seed.workspaceId, region: REGION };
    await createTask(tx, { ...task, command: ["migrate"], timeout_seconds: 60, nowMs: NOW_MS });
  });
  return id;
}

function reported(state: ReportedTask["state"], changes: Partial<ReportedTask> = {}): ReportedTask {
  const none = { instance: "a", reason: "", message: "", exit_code: null, last_log_lines: "[]" };
  return { name: RELEASE_TASK, state, ...none, ...changes };
}

async function record(
  db: CtrlDatabase,
  deploymentId: string,
  task: ReportedTask,
  region = REGION,
): Promise<boolean> {
  const report = { deploymentId, region, tasks: [task], nowMs: NOW_MS + 1 };
  return (await transact(db, (tx) => recordTasks(tx, report))).changed;
}

test("recordTasks() moves a task on, never back, and an end is final", async (db) => {
  const id = await placed(db);
  assert.equal(await record(db, id, reported("running")), true);
  assert.equal(await record(db, id, reported("running")), false, "the same again");
  assert.equal(await record(db, id, reported("wanted")), false, "a step back");
  assert.equal(await record(db, id, reported("failed", { exit_code: 3, last_log_lines: '["x"]' })), true);
  assert.equal(await record(db, id, reported("succeeded", { exit_code: 0 })), false, "after its end");
  const task = await findTask(db.kysely, id, RELEASE_TASK);
  assert.deepEqual(
    [task?.state, task?.exit_code, task?.last_log_lines, task?.started_at, task?.ended_at, task?.settled_at],
    ["failed", 3, '["x"]', NOW_MS + 1, NOW_MS + 1, null],
  );
});

test("recordTasks() takes no report of another region, and none of a task that nothing wants", async (db) => {
  const id = await placed(db);
  assert.equal(await record(db, id, reported("succeeded"), "us-1"), false);
  assert.equal(await record(db, id, { ...reported("running"), name: "other" }), false);
  assert.equal((await findTask(db.kysely, id, RELEASE_TASK))?.state, "wanted");
});

test("createTask() leaves a task that is there as it is", async (db) => {
  const id = await placed(db);
  await record(db, id, reported("running"));
  await transact(db, (tx) =>
    createTask(tx, {
      ...{ deployment_id: id, name: RELEASE_TASK, workspace_id: "w", region: "us-1" },
      ...{ command: ["other"], timeout_seconds: 1, nowMs: NOW_MS + 9 },
    }));
  const task = await findTask(db.kysely, id, RELEASE_TASK);
  assert.deepEqual([task?.state, task?.region, task?.command], ["running", REGION, '["migrate"]']);
});

test("settleTask() is done once", async (db) => {
  const id = await placed(db);
  const settle = () =>
    transact(db, (tx) => settleTask(tx, { deploymentId: id, name: RELEASE_TASK, nowMs: NOW_MS }));
  assert.deepEqual([await settle(), await settle()], [true, false]);
});

test("announcePlacement() gives all regions of the deployment a new version", async (db) => {
  const id = await placed(db);
  const before = (await listDesiredDeployments(db.kysely, REGION, [id]))[0];
  const regions = await transact(db, (tx) => announcePlacement(tx, { deploymentId: id, nowMs: NOW_MS }));
  assert.deepEqual(regions, [REGION, "us-1"]);
  const [after] = await listDesiredDeployments(db.kysely, REGION, [id]);
  assert.equal(after?.version, (before?.version ?? 0) + 1);
  assert.deepEqual(after?.tasks.map((each) => each.name), [RELEASE_TASK]);
  assert.deepEqual((await listTasks(db.kysely, [])).size, 0);
});
