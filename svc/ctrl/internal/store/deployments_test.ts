import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { newDeployment, NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  appendLogLines,
  createDeployment,
  type CtrlDatabase,
  endStep,
  findDeployment,
  listDeploymentViews,
  listEventsAfter,
  type ListFilter,
  listSteps,
  listUnsubmitted,
  markSubmitted,
  moveStatus,
  requestCancel,
  setImage,
  startStep,
  swapLiveDeployment,
} from "./mod.ts";

const test = testOnCtrlDatabases();

function ofWorkspace(workspaceId: string): ListFilter {
  return { workspaceId, projectIds: undefined, environmentSlug: undefined, before: undefined, limit: 100 };
}

test("50 parallel creates with one idempotency key make one deployment", async (db) => {
  const seed = await seedProject(db);
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      transact(db, (tx) =>
        createDeployment(
          tx,
          newDeployment(seed, {
            idempotency_key: "once",
            // The key is the workspace's, whatever the environment.
            environment_id: n % 2 === 0 ? seed.productionId : seed.previewId,
          }),
        ))),
  );
  assert.equal(new Set(results.map(({ deployment }) => deployment.id)).size, 1);
  assert.equal(results.filter(({ created }) => created).length, 1);
  const views = await listDeploymentViews(db.kysely, ofWorkspace(seed.workspaceId));
  assert.equal(views.length, 1);
  const other = await seedProject(db);
  assert.notEqual((await seedDeployment(db, other, { idempotency_key: "once" })).id, views[0]?.id);
});

/** The newest wins by this number, so two deployments must never share one. */
test("parallel creates get distinct sequences per environment, without gaps", async (db) => {
  const seed = await seedProject(db);
  const made = await Promise.all(
    Array.from(
      { length: 20 },
      (_, n) => seedDeployment(db, seed, { environment_id: n < 15 ? seed.productionId : seed.previewId }),
    ),
  );
  const sequences = (environment: string) =>
    made.filter((each) => each.environment_id === environment).map((each) => each.sequence)
      .sort((a, b) => a - b);
  assert.deepEqual(sequences(seed.productionId), Array.from({ length: 15 }, (_, n) => n + 1));
  assert.deepEqual(sequences(seed.previewId), [1, 2, 3, 4, 5]);
});

test("a deployment cannot be created in another workspace's environment", async (db) => {
  const [mine, other] = [await seedProject(db), await seedProject(db)];
  await assert.rejects(
    seedDeployment(db, mine, { environment_id: other.productionId }),
    (error) => isFault(error, "not_found"),
  );
});

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

async function move(db: CtrlDatabase, id: string, from: "pending" | "building", to: "building" | "failed") {
  return await transact(db, (tx) =>
    moveStatus(tx, {
      id,
      from: [from],
      to,
      nowMs: NOW_MS + 5,
      ...(to === "failed" ? { failure: { code: "build_failed" as const, message: "RUN make failed" } } : {}),
    }));
}

test("moveStatus() moves from the given statuses only, once, and tells it as an event", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  assert.equal(await move(db, id, "building", "failed"), false);
  const moved = await Promise.all(Array.from({ length: 10 }, () => move(db, id, "pending", "building")));
  assert.equal(moved.filter(Boolean).length, 1);
  assert.equal(await move(db, id, "building", "failed"), true);
  const row = await findDeployment(db.kysely, id);
  assert.equal(row?.status, "failed");
  assert.equal(row?.failure_code, "build_failed");
  assert.equal(row?.error_message, "RUN make failed");
  assert.equal(row?.ended_at, NOW_MS + 5);
  const events = await listEventsAfter(db.kysely, id, 0, 10);
  assert.deepEqual(events.map(({ sequence, payload }) => ({ sequence, payload })), [
    { sequence: 1, payload: { kind: "status", status: "pending" } },
    { sequence: 2, payload: { kind: "status", status: "building" } },
    {
      sequence: 3,
      payload: {
        kind: "status",
        status: "failed",
        errorMessage: "RUN make failed",
        failureCode: "build_failed",
      },
    },
  ]);
});

test("stopping a ready deployment keeps the time at which it became ready", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const to = (status: "ready" | "stopped", from: "pending" | "ready", nowMs: number) =>
    transact(db, (tx) => moveStatus(tx, { id, from: [from], to: status, nowMs, urls: ["http://a"] }));
  assert.equal(await to("ready", "pending", NOW_MS + 1), true);
  assert.equal(await to("stopped", "ready", NOW_MS + 2), true);
  assert.equal((await findDeployment(db.kysely, id))?.ended_at, NOW_MS + 1);
});

/** A client resumes by number: a gap would look like a lost event, a late one would never be seen. */
test("events of parallel writers have no gaps, and log lines are bounded", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const writers = Array.from({ length: 12 }, (_, writer) =>
    transact(db, (tx) =>
      appendLogLines(tx, id, {
        source: "build",
        origin: `RUN ${writer}`,
        lines: Array.from({ length: writer * 50 }, () => "x".repeat(10_000)),
      }, NOW_MS)));
  await Promise.all(writers);
  const seen: number[] = [];
  let lines = 0;
  for (;;) {
    const page = await listEventsAfter(db.kysely, id, seen.at(-1) ?? 0, 5);
    if (page.length === 0) break;
    for (const { sequence, payload } of page) {
      seen.push(sequence);
      if (payload.kind !== "log") continue;
      lines += payload.lines.length;
      assert.ok(payload.lines.length <= 200 && payload.lines.every((line) => line.length <= 8_192));
    }
  }
  assert.deepEqual(seen, seen.map((_, index) => index + 1));
  assert.equal(lines, 50 * 66);
  await assert.rejects(
    transact(
      db,
      (tx) => appendLogLines(tx, "d_none", { source: "build", origin: "", lines: ["x"] }, NOW_MS),
    ),
    (error) => isFault(error, "not_found"),
  );
});

test("steps begin once, end once, and are events", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const start = (message: string, nowMs: number) =>
    transact(db, (tx) => startStep(tx, { deploymentId: id, name: "building", message, nowMs }));
  const end = () =>
    transact(db, (tx) =>
      endStep(tx, {
        deploymentId: id,
        name: "building",
        status: "failed",
        errorMessage: "no Dockerfile",
        nowMs: NOW_MS + 9,
      }));
  await start("Building", NOW_MS + 1);
  await start("Building", NOW_MS + 2);
  assert.equal(await end(), true);
  assert.equal(await end(), false);
  assert.deepEqual(await listSteps(db.kysely, id), [{
    deployment_id: id,
    name: "building",
    status: "failed",
    message: "Building",
    error_message: "no Dockerfile",
    started_at: NOW_MS + 1,
    ended_at: NOW_MS + 9,
  }]);
  assert.deepEqual((await listEventsAfter(db.kysely, id, 1, 10)).map(({ payload }) => payload), [
    { kind: "step", name: "building", status: "running", message: "Building" },
    { kind: "step", name: "building", status: "failed", message: "no Dockerfile" },
  ]);
});

test("the sweeper finds what was never handed over, and a cancel counts once", async (db) => {
  const seed = await seedProject(db);
  const [old, young, done] = [
    await seedDeployment(db, seed, { created_at: NOW_MS - 10_000 }),
    await seedDeployment(db, seed),
    await seedDeployment(db, seed, { created_at: NOW_MS - 20_000 }),
  ];
  await markSubmitted(db.kysely, done.id, NOW_MS);
  const found = await listUnsubmitted(db.kysely, { beforeMs: NOW_MS - 5_000, limit: 1_000 });
  const own = found.filter((row) => row.workspace_id === seed.workspaceId).map((row) => row.id);
  assert.deepEqual(own, [old.id]);

  assert.equal(await requestCancel(db.kysely, { id: young.id, nowMs: NOW_MS }), true);
  assert.equal(await requestCancel(db.kysely, { id: young.id, nowMs: NOW_MS }), false);
  await move(db, old.id, "pending", "building");
  await move(db, old.id, "building", "failed");
  assert.equal(await requestCancel(db.kysely, { id: old.id, nowMs: NOW_MS }), false);
});

test("setImage() stores what a build made", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db), { image: null });
  await setImage(db.kysely, { id, image: "sha256:abc", buildId: "b1", nowMs: NOW_MS });
  await setImage(db.kysely, { id, image: "sha256:abc", nowMs: NOW_MS });
  const row = await findDeployment(db.kysely, id);
  assert.deepEqual([row?.image, row?.build_id], ["sha256:abc", "b1"]);
});

/** Whoever moves the pointer must have seen where it was, or a rollback is undone by a slower deploy. */
test("swapLiveDeployment() moves the pointer only from where it was expected", async (db) => {
  const { productionId } = await seedProject(db);
  const swap = (expected: string | undefined, next: string) =>
    transact(db, (tx) =>
      swapLiveDeployment(tx, {
        environmentId: productionId,
        expected,
        next,
        rolledBack: false,
        nowMs: NOW_MS,
      }));
  const [a, b, c] = [newId("deployment", 1), newId("deployment", 1), newId("deployment", 1)];
  assert.equal(await swap(a, b), false);
  assert.equal(await swap(undefined, a), true);
  const raced = await Promise.all([swap(a, b), swap(a, c)]);
  assert.equal(raced.filter(Boolean).length, 1);
});
