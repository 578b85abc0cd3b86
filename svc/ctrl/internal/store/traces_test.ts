import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  createTrace,
  type CtrlDatabase,
  endStep,
  findSuccessBefore,
  findTrace,
  listSpans,
  moveStatus,
  type NewSpan,
  spanIdOf,
  SPANS_MAX,
  startStep,
  stepSpanId,
  storeSpans,
} from "./mod.ts";

const test = testOnCtrlDatabases();

async function traced(db: CtrlDatabase, seed?: Seed): Promise<string> {
  const { id } = await seedDeployment(db, seed ?? await seedProject(db));
  const trace = { trace_id: "a".repeat(32), parent_span_id: "", is_sampled: null, started_at: NOW_MS };
  await transact(db, (tx) => createTrace(tx, { deployment_id: id, ...trace }));
  return id;
}

function span(key: string, changes: Partial<NewSpan> = {}): NewSpan {
  return { source: "worker", key, name: key, startedAtMs: NOW_MS + 1, endedAtMs: NOW_MS + 2, ...changes };
}

const store = (db: CtrlDatabase, id: string, spans: readonly NewSpan[]): Promise<void> =>
  transact(db, (tx) => storeSpans(tx, id, spans));
const ready = (db: CtrlDatabase, id: string, nowMs: number): Promise<boolean> =>
  transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "ready", nowMs }));

test("the first report of a span stays, in the order of their begins", async (db) => {
  const id = await traced(db);
  await store(db, id, [span("late", { startedAtMs: NOW_MS + 5, endedAtMs: NOW_MS + 1 }), span("early")]);
  await store(db, id, [span("early", { startedAtMs: NOW_MS + 9, name: "again" })]);
  const spans = await listSpans(db.kysely, id);
  assert.deepEqual(
    spans.map(({ name, started_at, ended_at }) => [name, started_at - NOW_MS, ended_at - NOW_MS]),
    [
      ["early", 1, 2],
      ["late", 5, 5],
    ],
  );
  assert.deepEqual(spans[0], {
    deployment_id: id,
    id: spanIdOf(id, "worker", "early"),
    parent_id: "",
    source: "worker",
    region: "",
    name: "early",
    detail: "",
    status: "done",
    started_at: NOW_MS + 1,
    ended_at: NOW_MS + 2,
  });
});

test("a deployment has a bounded number of spans, and counts the others", async (db) => {
  const id = await traced(db);
  const many = Array.from({ length: SPANS_MAX + 7 }, (_, index) => span(`s${index}`));
  await store(db, id, many.slice(0, 3));
  await store(db, id, many);
  await store(db, id, many.slice(0, 3));
  assert.equal((await listSpans(db.kysely, id)).length, SPANS_MAX);
  assert.equal((await findTrace(db.kysely, id))?.dropped_spans, 7);
});

test("spans of a deployment without a trace, and those that begin after its deploy, are left out", async (db) => {
  const seed = await seedProject(db);
  const untraced = (await seedDeployment(db, seed)).id;
  await store(db, untraced, [span("a")]);
  assert.deepEqual(await listSpans(db.kysely, untraced), []);
  const id = await traced(db, seed);
  await ready(db, id, NOW_MS + 100);
  await store(db, id, [
    span("in time"),
    span("after", { startedAtMs: NOW_MS + 101, endedAtMs: NOW_MS + 200 }),
  ]);
  assert.deepEqual((await listSpans(db.kysely, id)).map(({ name }) => name), ["in time"]);
});

test("steps of the deploy become spans, those of a later start do not", async (db) => {
  const id = await traced(db);
  const step = (nowMs: number) =>
    transact(db, async (tx) => {
      await startStep(tx, { deploymentId: id, name: "deploying", message: "Starting.", nowMs });
      await endStep(tx, { deploymentId: id, name: "deploying", status: "done", nowMs: nowMs + 10 });
    });
  await step(NOW_MS + 20);
  await ready(db, id, NOW_MS + 40);
  await step(NOW_MS + 90_000);
  const spans = await listSpans(db.kysely, id);
  assert.deepEqual(
    spans.map(({ id: spanId, name, source, started_at, ended_at, status }) => [
      spanId,
      name,
      source,
      started_at - NOW_MS,
      ended_at - NOW_MS,
      status,
    ]),
    [[stepSpanId(id, "deploying"), "deploying", "step", 20, 30, "done"]],
  );
});

test("a trace ends once, with the first final status", async (db) => {
  const id = await traced(db);
  await ready(db, id, NOW_MS + 40);
  await transact(db, (tx) => moveStatus(tx, { id, from: ["ready"], to: "stopped", nowMs: NOW_MS + 90_000 }));
  const { ended_at, outcome, export_at } = await findTrace(db.kysely, id) ?? {};
  assert.deepEqual([ended_at, outcome, export_at], [NOW_MS + 40, "ready", NOW_MS + 15_040]);
});

test("a deploy is compared with the last successful one of its environment", async (db) => {
  const seed = await seedProject(db);
  const [first, failed, untraced] = [
    await traced(db, seed),
    await traced(db, seed),
    await seedDeployment(db, seed),
  ];
  await ready(db, first, NOW_MS + 1);
  await transact(
    db,
    (tx) => moveStatus(tx, { id: failed, from: ["pending"], to: "failed", nowMs: NOW_MS + 2 }),
  );
  await ready(db, untraced.id, NOW_MS + 3);
  const before = (sequence: number, environmentId = seed.productionId) =>
    findSuccessBefore(db.kysely, { environmentId, sequence });
  assert.equal((await before(untraced.sequence + 1))?.deployment_id, first);
  assert.equal(await before(1), undefined);
  assert.equal(await before(untraced.sequence + 1, seed.previewId), undefined);
  // A success of long ago is no measure for today, and the way to it would pass all deployments since then.
  const { sequence } = await db.kysely.selectFrom("deployments").select("sequence").where("id", "=", first)
    .executeTakeFirstOrThrow();
  assert.equal((await before(sequence + 200))?.deployment_id, first);
  assert.equal(await before(sequence + 201), undefined);
});
