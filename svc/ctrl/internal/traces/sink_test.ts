import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { createTrace, type CtrlDatabase, listSpans, type NewSpan } from "../store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../store/testing.ts";
import { SpanSink } from "./sink.ts";
import { timed } from "./timed.ts";
import { spanList } from "./testing.ts";

const test = testOnCtrlDatabases();

const span = (key: string): NewSpan => ({
  source: "worker",
  key,
  name: key,
  startedAtMs: NOW_MS,
  endedAtMs: NOW_MS + 1,
});

async function open(db: CtrlDatabase) {
  const { id } = await seedDeployment(db, await seedProject(db));
  const trace = { trace_id: "a".repeat(32), parent_span_id: "", is_sampled: null, started_at: NOW_MS };
  await transact(db, (tx) => createTrace(tx, { deployment_id: id, ...trace }));
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const clock = new ManualClock();
  const names = async () => (await listSpans(db.kysely, id)).map(({ name }) => name);
  return { id, clock, lines, names, sink: new SpanSink({ db, clock, log }) };
}

test("spans of a moment are written together, and what waits at the end too", async (db) => {
  const { id, sink, clock, names } = await open(db);
  sink.push(id, [span("a")]);
  sink.push(id, [span("b")]);
  assert.deepEqual(await names(), []);
  await clock.advance(200);
  sink.push(id, [span("c")]);
  await sink.close();
  assert.deepEqual((await names()).toSorted(), ["a", "b", "c"]);
});

test("more spans than may wait are left out with a line, and none ends the process", async (db) => {
  const { id, sink, lines } = await open(db);
  sink.push(id, Array.from({ length: 5_003 }, (_, index) => span(`s${index}`)));
  await sink.close();
  assert.match(lines.join("\n"), /spans left out.*"count":3/);
});

test("spans that cannot be written are given up with a line", async (db) => {
  const { id, sink, lines } = await open(db);
  await db.kysely.schema.dropTable("deployment_spans").execute();
  sink.push(id, [span("a")]);
  await sink.close();
  assert.match(lines.join("\n"), /spans not written/);
});

Deno.test("timed work is a span, also when it fails", async () => {
  const [clock, spans] = [new ManualClock(), spanList()];
  const work = async (): Promise<string> => {
    await clock.advance(5);
    return "done";
  };
  assert.equal(await timed({ clock, spans }, { id: "d_1", name: "place" }, work), "done");
  const broken = timed({ clock, spans }, { id: "d_1", name: "place" }, () => Promise.reject(new Error("no")));
  await assert.rejects(broken, /no/);
  assert.deepEqual(
    spans.spans.map(({ name, status, startedAtMs, endedAtMs }) => [name, status, endedAtMs - startedAtMs]),
    [
      ["place", "done", 5],
      ["place", "failed", 0],
    ],
  );
});
