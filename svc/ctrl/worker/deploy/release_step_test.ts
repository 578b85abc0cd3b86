/** The settlement of a release command, on every database. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  createTask,
  type CtrlDatabase,
  findTask,
  listDesiredDeployments,
  listEventsAfter,
  moveStatus,
  placeDeployment,
  RELEASE_TASK,
  startStep,
} from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { spanList } from "../../internal/traces/testing.ts";
import { recordingNotifier, REGION, releaseReport, report, worldClock } from "../testing.ts";
import { followRelease, releaseOf } from "./release_step.ts";

const test = testOnCtrlDatabases();

async function releasing(db: CtrlDatabase): Promise<string> {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed);
  const { workspaceId } = seed;
  await transact(db, async (tx) => {
    await moveStatus(tx, { id, from: ["pending"], to: "deploying", nowMs: NOW_MS });
    await startStep(tx, { deploymentId: id, name: "deploying", message: "Running it.", nowMs: NOW_MS });
    const regions = [{ region: REGION, replicas: 1 }];
    await placeDeployment(tx, { deploymentId: id, workspaceId, regions, nowMs: NOW_MS });
    const task = { deployment_id: id, name: RELEASE_TASK, workspace_id: workspaceId, region: REGION };
    await createTask(tx, { ...task, command: ["migrate"], timeout_seconds: 60, nowMs: NOW_MS });
  });
  return id;
}

function deps(db: CtrlDatabase) {
  const [changes, spans] = [recordingNotifier(), spanList()];
  return { db, clock: worldClock({ nowMs: NOW_MS + 5_000 }), changes, spans };
}

test("followRelease() settles a success once: its output, the next message, and the change for the agents", async (db) => {
  const id = await releasing(db);
  const parts = deps(db);
  assert.equal((await followRelease(parts, id))?.state, "wanted");
  await report(db, id, NOW_MS + 3_000, [], [releaseReport()]);
  const [before] = await listDesiredDeployments(db.kysely, REGION, [id]);
  const first = await followRelease(parts, id);
  assert.deepEqual([first?.state, first?.settledAtMs], ["succeeded", NOW_MS + 5_000]);
  assert.deepEqual([...parts.changes.seen], [REGION]);
  const events = await listEventsAfter(db.kysely, id, 0, 100);
  const texts = events.flatMap(({ payload }) =>
    payload.kind === "log" ? payload.lines : payload.kind === "step" ? [payload.message] : []
  );
  assert.deepEqual(texts, ["Running it.", "migrated", `Starting the app in ${REGION}.`]);

  const again = await followRelease(parts, id);
  assert.equal(again?.settledAtMs, NOW_MS + 5_000);
  assert.equal((await listEventsAfter(db.kysely, id, 0, 100)).length, events.length);
  const [after] = await listDesiredDeployments(db.kysely, REGION, [id]);
  assert.equal(after?.version, (before?.version ?? 0) + 1);
  assert.deepEqual(parts.spans.spans.map(({ name, status }) => [name, status]), [[
    "release command",
    "done",
  ]]);
});

test("followRelease() settles no failure, and none of a deployment that was cancelled meanwhile", async (db) => {
  const failing = await releasing(db);
  const parts = deps(db);
  await report(db, failing, NOW_MS, [], [releaseReport({ state: "failed", exit_code: 3 })]);
  const failed = await followRelease(parts, failing);
  assert.deepEqual([failed?.state, failed?.exitCode, failed?.settledAtMs], ["failed", 3, null]);
  assert.deepEqual(parts.spans.spans.map(({ status }) => status), ["failed"]);

  const cancelled = await releasing(db);
  await report(db, cancelled, NOW_MS, [], [releaseReport()]);
  await transact(
    db,
    (tx) => moveStatus(tx, { id: cancelled, from: ["deploying"], to: "cancelled", nowMs: NOW_MS }),
  );
  await followRelease(parts, cancelled);
  assert.equal((await findTask(db.kysely, cancelled, RELEASE_TASK))?.settled_at, null);
  assert.deepEqual([...parts.changes.seen], []);
  assert.equal(await followRelease(parts, "d_none"), undefined);
});

Deno.test("releaseOf() chooses the first region that has an agent, else the first", () => {
  const app = { releaseCommand: ["migrate"] };
  const region = (live: readonly string[]) => releaseOf(app, ["eu", "us"], new Set(live))?.region;
  assert.deepEqual([region(["us"]), region(["us", "eu"]), region([])], ["us", "eu", "eu"]);
  assert.equal(releaseOf(app, ["eu"], new Set())?.timeout_seconds, 600);
  assert.equal(releaseOf({ ...app, releaseSeconds: 5 }, ["eu"], new Set())?.timeout_seconds, 5);
  assert.equal(releaseOf({}, ["eu"], new Set()), undefined);
  assert.equal(releaseOf(undefined, ["eu"], new Set()), undefined);
});
