import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { createLogger, silentLogger } from "../logger/mod.ts";
import {
  counter,
  countLines,
  gauge,
  histogram,
  loopMeters,
  meterOf,
  NO_METRICS,
  openMetrics,
  SERIES_MAX,
} from "./mod.ts";
import { testMetrics } from "./testing.ts";
import { Fault } from "../fault/mod.ts";

const CALLS = counter("test_calls_total", "Calls.", ["code"]);
const OPEN = gauge("test_open", "Open ones.", ["region"]);
const SECONDS = histogram("test_seconds", "Time.", [0.1, 1]);

Deno.test("a registry renders counters, gauges and histograms with the part that they are of", async () => {
  using test = await testMetrics();
  const [api, krane] = ["api", "krane"].map((part) => test.registry.part(part));
  api?.counter(CALLS).add({ code: "ok" });
  api?.counter(CALLS).add({ code: "ok" }, 2);
  krane?.counter(CALLS).add({ code: "internal" });
  api?.gauge(OPEN).set({ region: "eu" }, 7);
  api?.histogram(SECONDS).observe({}, 0.5);
  const text = await test.registry.render();
  assert.match(text, /^# HELP test_calls_total Calls\.$/m);
  assert.match(text, /^# TYPE test_calls_total counter$/m);
  assert.match(text, /^test_calls_total\{code="ok",part="api"\} 3$/m);
  assert.match(text, /^test_calls_total\{code="internal",part="krane"\} 1$/m);
  assert.match(text, /^test_open\{region="eu",part="api"\} 7$/m);
  assert.match(text, /^test_seconds_bucket\{le="0\.1",part="api"\} 0$/m);
  assert.match(text, /^test_seconds_bucket\{le="\+Inf",part="api"\} 1$/m);
});

Deno.test("a label value with quotes and line breaks stays one sample", async () => {
  using test = await testMetrics();
  test.metrics.counter(CALLS).add({ code: 'a"b\nc\\d' });
  assert.match(await test.registry.render(), /^test_calls_total\{code="a\\"b\\nc\\\\d",part="test"\} 1$/m);
});

Deno.test("a metric takes a bounded number of label values, and counts those that it refuses", async () => {
  using test = await testMetrics();
  const calls = test.metrics.counter(CALLS);
  for (let i = 0; i < SERIES_MAX + 5; i++) calls.add({ code: `c${i}` });
  calls.add({ code: "c0" });
  const values = await test.read("test_calls_total");
  assert.equal(Object.keys(values).length, SERIES_MAX);
  assert.equal(values['code="c0"'], 2, "known label values go on");
  const refused = await test.read("unkey_metrics_series_refused_total");
  assert.deepEqual(refused, { 'metric="test_calls_total",part="process"': 5 });
});

Deno.test("replaced values of a gauge end, and those of another part stay", async () => {
  using test = await testMetrics();
  const open = test.metrics.gauge(OPEN);
  test.registry.part("other").gauge(OPEN).set({ region: "eu" }, 1);
  open.replace([{ labels: { region: "eu" }, value: 1 }, { labels: { region: "us" }, value: 2 }]);
  open.replace([{ labels: { region: "us" }, value: 3 }]);
  assert.deepEqual(await test.read("test_open"), { 'region="us"': 3, 'region="eu",part="other"': 1 });
});

Deno.test("two declarations of one name are refused", async () => {
  using test = await testMetrics();
  test.metrics.counter(CALLS);
  test.metrics.counter(CALLS);
  const other = counter("test_calls_total", "Another one.", ["code"]);
  assert.throws(() => test.metrics.counter(other), /test_calls_total/);
});

Deno.test("a reader that fails or hangs costs its own values only, and one line of the log", async () => {
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const registry = await openMetrics({ clock: systemClock(), log, readMsMax: 50 });
  const metrics = registry.part("test");
  metrics.onScrape("broken", () => Promise.reject(new Error("away")));
  metrics.onScrape("endless", () => new Promise<void>(() => undefined));
  const end = metrics.onScrape("good", () => metrics.gauge(OPEN).set({ region: "eu" }, 1));
  await registry.render();
  const text = await registry.render();
  registry.close();
  end();
  assert.match(text, /^test_open\{region="eu",part="test"\} 1$/m);
  assert.match(text, /^unkey_metrics_read_failures_total\{reader="broken",part="process"\} 2$/m);
  assert.match(text, /^unkey_metrics_read_failures_total\{reader="endless",part="process"\} 2$/m);
  assert.deepEqual(lines.map((line) => JSON.parse(line).reader).toSorted(), ["broken", "endless"]);
});

Deno.test("scrapes at the same time share one reading", async () => {
  using test = await testMetrics();
  let reads = 0;
  test.metrics.onScrape("counted", () => void reads++);
  await Promise.all([1, 2, 3].map(() => test.registry.render()));
  assert.equal(reads, 1);
  await test.registry.render();
  assert.equal(reads, 2);
});

Deno.test("a registry has the process's memory, processor time and event loop", async () => {
  const registry = await openMetrics({
    clock: systemClock(),
    log: silentLogger(),
    process: {
      cpuSeconds: () => 12.5,
      memory: () => ({ rss: 100, heapUsed: 1, heapTotal: 2, external: 3 }),
      openFiles: () => Promise.resolve(undefined),
    },
  });
  await registry.render();
  const text = await registry.render();
  registry.close();
  assert.match(text, /^process_cpu_seconds_total\{part="process"\} 12\.5$/m);
  assert.match(text, /^process_resident_memory_bytes\{part="process"\} 100$/m);
  assert.match(text, /^unkey_process_heap_bytes\{kind="used",part="process"\} 1$/m);
  assert.doesNotMatch(text, /^process_open_fds\{/m);
});

Deno.test("the lag of the event loop is measured while it is blocked", async () => {
  using test = await testMetrics();
  const deadline = performance.now() + 20_000;
  const seconds = async (): Promise<number> =>
    (await test.read("unkey_event_loop_lag_seconds_sum"))['part="process"'] ?? 0;
  while (await seconds() < 0.2 && performance.now() < deadline) {
    const until = performance.now() + 800;
    while (performance.now() < until);
    await new Promise((done) => setTimeout(done, 0));
  }
  assert.ok(await seconds() >= 0.2);
});

Deno.test("a meter counts ends by code, and times all of them", async () => {
  using test = await testMetrics();
  const ENDS = counter("test_work_total", "Ends.", ["job", "code"]);
  const TIMES = histogram("test_work_seconds", "Times.", [1], ["job"]);
  const meter = meterOf(test.metrics, { ends: ENDS, seconds: TIMES })({ job: "a" });
  assert.equal(await meter(() => Promise.resolve(7)), 7);
  for (
    const error of [new Fault("unavailable", "away"), new Error("bug"), new DOMException("", "AbortError")]
  ) {
    await assert.rejects(meter(() => Promise.reject(error)), (thrown) => thrown === error);
  }
  assert.deepEqual(await test.read("test_work_total"), {
    'job="a",code="ok"': 1,
    'job="a",code="unavailable"': 1,
    'job="a",code="internal"': 1,
    'job="a",code="cancelled"': 1,
  });
  assert.deepEqual(await test.read("test_work_seconds_count"), { 'job="a"': 4 });
});

Deno.test("a loop's last success is the time of a run that did its work", async () => {
  using test = await testMetrics();
  let nowMs = 5_000;
  const loop = loopMeters(test.metrics, { ...systemClock(), now: () => nowMs })("sweep");
  await loop(() => Promise.resolve());
  nowMs = 9_000;
  await assert.rejects(loop(() => Promise.reject(new Fault("unavailable", "away"))));
  assert.deepEqual(await test.read("unkey_loop_last_success_timestamp_seconds"), { 'loop="sweep"': 5 });
  assert.deepEqual(await test.read("unkey_loop_runs_total"), {
    'loop="sweep",code="ok"': 1,
    'loop="sweep",code="unavailable"': 1,
  });
});

Deno.test("warnings and errors of a log are counted by event, also with bound fields", async () => {
  using test = await testMetrics();
  const lines: string[] = [];
  const inner = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  const log = countLines(inner, test.metrics).with({ id: "d_1" });
  log.debug("quiet");
  log.info("fine");
  log.warn("slow", { ms: 3 });
  log.error("broken");
  log.error("broken");
  assert.deepEqual(await test.read("unkey_log_lines_total"), {
    'level="warn",event="slow"': 1,
    'level="error",event="broken"': 2,
  });
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? "", /"event":"slow","id":"d_1","ms":3/);
  assert.equal(countLines(inner, NO_METRICS), inner, "without metrics a line costs nothing more");
});
