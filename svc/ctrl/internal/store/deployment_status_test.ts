import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  type CtrlDatabase,
  findDeployment,
  listEventsAfter,
  listUnsubmitted,
  markSubmitted,
  moveStatus,
  noteStops,
  requestCancel,
  setImage,
} from "./mod.ts";

const test = testOnCtrlDatabases();

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

test("noteStops() notes times of what is ready, and a change of status forgets them", async (db) => {
  const seed = await seedProject(db);
  const [one, two, failed] = [
    await seedDeployment(db, seed),
    await seedDeployment(db, seed),
    await seedDeployment(db, seed),
  ];
  const due = async () => {
    const ids = [one.id, two.id, failed.id];
    const rows = await db.kysely.selectFrom("deployments").select(["id", "stop_due_at"]).where(
      "id",
      "in",
      ids,
    )
      .execute();
    return ids.map((id) => rows.find((row) => row.id === id)?.stop_due_at);
  };
  const note = (keep: string, ...ids: readonly string[]) =>
    transact(
      db,
      (tx) =>
        noteStops(tx, {
          keep,
          stops: ids.map((deploymentId, at) => ({ deploymentId, dueAtMs: NOW_MS + at })),
        }),
    );
  for (const { id } of [one, two]) {
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "ready", nowMs: NOW_MS }));
  }
  await move(db, failed.id, "pending", "failed");
  await note("d_none", one.id, two.id, failed.id);
  assert.deepEqual(await due(), [NOW_MS, NOW_MS + 1, null]);
  await note(one.id);
  assert.deepEqual(await due(), [null, NOW_MS + 1, null]);
  await transact(db, (tx) => moveStatus(tx, { id: two.id, from: ["ready"], to: "stopped", nowMs: NOW_MS }));
  assert.deepEqual(await due(), [null, null, null]);
});

test("stopping a ready deployment keeps the time at which it became ready", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const to = (status: "ready" | "stopped", from: "pending" | "ready", nowMs: number) =>
    transact(db, (tx) => moveStatus(tx, { id, from: [from], to: status, nowMs, urls: ["http://a"] }));
  assert.equal(await to("ready", "pending", NOW_MS + 1), true);
  assert.equal(await to("stopped", "ready", NOW_MS + 2), true);
  assert.equal((await findDeployment(db.kysely, id))?.ended_at, NOW_MS + 1);
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
