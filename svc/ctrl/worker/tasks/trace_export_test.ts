import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { testMetrics } from "../../../../pkg/metrics/testing.ts";
import { openSampler, type OtlpSpan, type SendOutcome } from "../../../../pkg/otlp/mod.ts";
import {
  createTrace,
  type CtrlDatabase,
  endTrace,
  EXPORT_DELAY_MS,
  findTrace,
  type NewSpan,
  storeSpans,
} from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { TraceExporter } from "./trace_export.ts";

const test = testOnCtrlDatabases();
const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

const TAKEN: SendOutcome = { kind: "taken", rejected: 0, message: "" };

/** A deploy with one span that ended at `endedAtMs`. */
async function traced(
  db: CtrlDatabase,
  { endedAtMs = NOW_MS, isSampled = null }: { endedAtMs?: number; isSampled?: 0 | 1 | null } = {},
): Promise<string> {
  const { id } = await seedDeployment(db, await seedProject(db));
  const span: NewSpan = {
    source: "client",
    key: "pack",
    name: "pack",
    startedAtMs: endedAtMs - 50,
    endedAtMs: endedAtMs - 10,
  };
  await transact(db, async (tx) => {
    await createTrace(tx, {
      deployment_id: id,
      trace_id: id.slice(-8).replace(/[^0-9a-f]/gi, "0").padEnd(32, "a").toLowerCase(),
      parent_span_id: isSampled === null ? "" : "00f067aa0ba902b7",
      is_sampled: isSampled,
      started_at: endedAtMs - 100,
    });
    await storeSpans(tx, id, [span]);
    await endTrace(tx, { id, outcome: "ready", nowMs: endedAtMs });
  });
  return id;
}

/** A worker's exporter whose collector answers with `outcomes`, the last one again and again. */
async function open(db: CtrlDatabase, ...outcomes: readonly SendOutcome[]) {
  // Tests of a file share a database.
  await db.kysely.updateTable("deployment_traces").set({ export_at: null }).execute();
  const numbers = await testMetrics();
  const sent: OtlpSpan[] = [];
  const answers = [...outcomes];
  const sampler = await openSampler("parentbased_always_on", 1);
  let nowMs = NOW_MS + EXPORT_DELAY_MS;
  const clock = { now: () => nowMs, sleep: () => Promise.reject(new Error("nothing sleeps here")) };
  const make = (): TraceExporter =>
    new TraceExporter({
      db,
      clock,
      log: silentLogger(),
      metrics: numbers.metrics,
      sampler,
      collector: {
        send: (spans) => {
          sent.push(...spans);
          return Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) ?? TAKEN);
        },
      },
    });
  const exporter = make();
  return {
    sent,
    make,
    exporter,
    round: () => exporter.round(clock.now(), signal),
    advance: (ms: number) => void (nowMs += ms),
    count: async (name: string) =>
      Object.values(await numbers.read(name)).reduce((sum, each) => sum + each, 0),
    dropped: () => numbers.read("unkey_dropped_spans_total"),
    [Symbol.dispose]: () => numbers[Symbol.dispose](),
  };
}

const dueOf = async (db: CtrlDatabase, id: string) => (await findTrace(db.kysely, id))?.export_at;

test("a trace is sent once, when the last spans of its deploy had time to come", async (db) => {
  using world = await open(db, TAKEN);
  const id = await traced(db);
  world.advance(-1);
  await world.round();
  assert.deepEqual(world.sent, []);
  world.advance(1);
  assert.deepEqual(await world.round(), { kind: "idle" });
  await world.round();
  assert.deepEqual(world.sent.map(({ name, attributes }) => [name, attributes["deployment.id"]]), [
    ["deploy", id],
    ["pack", undefined],
  ]);
  assert.equal(await dueOf(db, id), null);
  assert.equal(await world.count("unkey_exported_spans_total"), 2);
});

test("a trace waits for a collector that is away, and is given up after an hour", async (db) => {
  using world = await open(db, { kind: "away", reason: "status 503", retryAfterMs: 7_000 });
  const id = await traced(db);
  assert.deepEqual(await world.round(), { kind: "away", retryAfterMs: 7_000 });
  assert.equal(await dueOf(db, id), NOW_MS + EXPORT_DELAY_MS);
  assert.deepEqual(await world.dropped(), {});
  world.advance(HOUR_MS + 1);
  await world.round();
  assert.equal(await dueOf(db, id), null);
  assert.deepEqual(await world.dropped(), { 'reason="old"': 2 });
});

test("spans that the collector refuses are counted, and not sent again", async (db) => {
  const refused: SendOutcome = { kind: "refused", reason: "status 400" };
  using world = await open(db, refused, { kind: "taken", rejected: 1, message: "too long" });
  const ids = [await traced(db), await traced(db)];
  await world.round();
  assert.deepEqual(await world.dropped(), { 'reason="refused"': 4 });
  assert.equal(await world.count("unkey_exported_spans_total"), 0);
  for (const id of ids) assert.equal(await dueOf(db, id), null);
  await traced(db);
  await world.round();
  assert.deepEqual(await world.dropped(), { 'reason="refused"': 5 });
  assert.equal(await world.count("unkey_exported_spans_total"), 1);
});

test("a trace that its caller did not want to be sampled is not sent", async (db) => {
  using world = await open(db, TAKEN);
  const ids = [await traced(db, { isSampled: 0 }), await traced(db, { isSampled: 1 })];
  await world.round();
  const roots = world.sent.filter(({ name }) => name === "deploy");
  assert.deepEqual(roots.map(({ attributes }) => attributes["deployment.id"]), [ids[1]]);
  assert.deepEqual(roots.map(({ parentSpanId }) => parentSpanId), ["00f067aa0ba902b7"]);
  assert.deepEqual(await world.dropped(), {});
  for (const id of ids) assert.equal(await dueOf(db, id), null);
});

test("two workers send each trace once, and a trace of a worker that died is sent by another", async (db) => {
  using world = await open(db, TAKEN);
  for (let count = 0; count < 12; count++) await traced(db);
  const workers = [world.make(), world.make(), world.make()];
  for (let round = 0; round < 4; round++) {
    await Promise.all(workers.map((worker) => worker.round(NOW_MS + EXPORT_DELAY_MS, signal)));
  }
  assert.equal(world.sent.length, 24);
  assert.equal(new Set(world.sent.map(({ spanId }) => spanId)).size, 24);
  const id = await traced(db);
  // Taken by a worker that died then.
  await db.kysely.updateTable("deployment_traces").set({ export_at: NOW_MS + EXPORT_DELAY_MS + 60_000 })
    .where("deployment_id", "=", id).execute();
  await world.round();
  assert.equal(world.sent.length, 24);
  world.advance(60_000);
  await world.round();
  assert.equal(world.sent.length, 26);
});

test("a worker that ends sends what is over, due or not, and leaves the rest in the queue", async (db) => {
  using world = await open(db, TAKEN, { kind: "away", reason: "status 503" });
  for (let count = 0; count < 11; count++) await traced(db, { endedAtMs: NOW_MS + EXPORT_DELAY_MS });
  await world.exporter.drain();
  const due = await db.kysely.selectFrom("deployment_traces").select("export_at").where(
    "export_at",
    "is not",
    null,
  )
    .execute();
  assert.deepEqual(due, [{ export_at: NOW_MS + 2 * EXPORT_DELAY_MS }]);
});
