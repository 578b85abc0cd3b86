/** The bounds of kept events, and how repetitions are counted. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  type CtrlDatabase,
  deleteInstanceEvents,
  INSTANCE_EVENTS_MAX,
  type InstanceEvent,
  listInstanceEvents,
  recordInstanceEvents,
} from "./mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const onDatabases = testOnCtrlDatabases();
const test = (name: string, fn: (db: CtrlDatabase) => Promise<void>) =>
  onDatabases(name, fn, ["SQLite in memory", "MySQL"]);
const HOUR_MS = 3_600_000;

function event(seconds: number, changes: Partial<InstanceEvent> = {}): InstanceEvent {
  return {
    kind: "ended",
    reason: "exited",
    message: "It ended.",
    instance: "a",
    exitCode: 1,
    atMs: NOW_MS + seconds * 1_000,
    times: 1,
    ...changes,
  };
}

async function kept(db: CtrlDatabase) {
  const { id } = await seedDeployment(db, await seedProject(db));
  return {
    id,
    record: (events: readonly InstanceEvent[], region = "eu-1") =>
      transact(db, (tx) => recordInstanceEvents(tx, { deploymentId: id, region }, events)),
    list: () => listInstanceEvents(db.kysely, id),
  };
}

test("events of one moment are bounded, too, and never all forgotten", async (db) => {
  const { record, list } = await kept(db);
  const atOnce = Array.from({ length: INSTANCE_EVENTS_MAX + 5 }, (_, at) => event(10, { message: `${at}` }));
  await record([event(1, { message: "older" }), ...atOnce]);
  const rows = await list();
  assert.equal(rows.length, INSTANCE_EVENTS_MAX);
  assert.ok(rows.every(({ message }) => message !== "older"), "the oldest goes first");
  await record([event(11, { message: "newer" })]);
  const after = await list();
  assert.deepEqual([after.length, after.at(-1)?.message], [INSTANCE_EVENTS_MAX, "newer"]);
});

test("the bound is the deployment's, whatever its regions, and no other deployment's", async (db) => {
  const [first, second] = [await kept(db), await kept(db)];
  await second.record([event(0)]);
  await first.record([event(0, { message: "first" })], "us-1");
  await first.record(
    Array.from({ length: INSTANCE_EVENTS_MAX }, (_, at) => event(1 + at, { message: `${at}` })),
  );
  const rows = await first.list();
  assert.deepEqual([rows.length, rows[0]?.message], [INSTANCE_EVENTS_MAX, "0"]);
  assert.equal((await second.list()).length, 1);
});

test("a repetition counts up, with the last instance and exit code", async (db) => {
  const { record, list } = await kept(db);
  await record([event(1, { times: 2 }), event(5, { instance: "b", exitCode: null, times: 3 })]);
  const [row, ...others] = await list();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [row?.times, row?.instance, row?.exit_code, row?.first_at, row?.last_at],
    [5, "b", null, NOW_MS + 1_000, NOW_MS + 5_000],
  );
});

test("a repetition that is reported late counts, and moves no time back", async (db) => {
  const { record, list } = await kept(db);
  await record([event(50), event(10)]);
  const [row, ...others] = await list();
  assert.deepEqual([others.length, row?.times, row?.last_at], [0, 2, NOW_MS + 50_000]);
});

test("the hour of a repetition begins again with each one", async (db) => {
  const { record, list } = await kept(db);
  const at = (ms: number) => event(0, { atMs: NOW_MS + ms });
  await record([at(0), at(HOUR_MS), at(2 * HOUR_MS)]);
  assert.deepEqual((await list()).map(({ times }) => times), [3]);
  await record([at(3 * HOUR_MS + 1)]);
  assert.deepEqual((await list()).map(({ times }) => times), [3, 1]);
});

test("another kind, reason, message or region is another event", async (db) => {
  const { record, list } = await kept(db);
  await record([
    event(1),
    event(2, { kind: "trouble" }),
    event(3, { reason: "oom_killed" }),
    event(4, { message: "It ended otherwise." }),
  ]);
  await record([event(5)], "us-1");
  assert.deepEqual((await list()).map(({ times, region }) => `${region} ${times}`), [
    "eu-1 1",
    "eu-1 1",
    "eu-1 1",
    "eu-1 1",
    "us-1 1",
  ]);
});

test("retention deletes what ended before the time, of this deployment alone", async (db) => {
  const [first, second] = [await kept(db), await kept(db)];
  for (const each of [first, second]) {
    await each.record([event(1, { message: "old" }), event(2, { message: "edge" }), event(3)]);
  }
  // Begun before, and happened again since.
  await first.record([event(9, { message: "old" })]);
  await deleteInstanceEvents(db.kysely, { deploymentId: first.id, beforeMs: NOW_MS + 3_000 });
  assert.deepEqual((await first.list()).map(({ message }) => message), ["It ended.", "old"]);
  assert.equal((await second.list()).length, 3);
});
