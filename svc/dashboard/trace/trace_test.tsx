import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { DeploymentTraceSchema, TraceSpanSchema } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { tookMs, traceSummary } from "./summary.ts";
import { placeOf, Waterfall } from "./waterfall.tsx";

const BEGIN = 1_800_000_000_000;

function spanOf(changes: MessageInitShape<typeof TraceSpanSchema> = {}) {
  return create(TraceSpanSchema, {
    id: "1",
    name: "build",
    status: "done",
    startedAt: BigInt(BEGIN),
    ...changes,
  });
}

function traceOf(changes: MessageInitShape<typeof DeploymentTraceSchema> = {}) {
  return create(DeploymentTraceSchema, {
    startedAt: BigInt(BEGIN),
    endedAt: BigInt(BEGIN + 8_200),
    shares: [{ name: "build", tookMs: 5_100n }, { name: "start", tookMs: 1_400n }],
    ...changes,
  });
}

Deno.test("a trace is summed up: time, largest parts, cached steps, and the last successful one", () => {
  assert.equal(traceSummary(traceOf(), BEGIN), "8.2 s: build 5.1 s, start 1.4 s.");
  const spans = [spanOf({ status: "cached" }), spanOf(), spanOf({ gap: true }), spanOf({ status: "failed" })];
  assert.match(traceSummary(traceOf({ spans }), BEGIN), /Cached: 1 of 2 steps\.$/);
  const longer = traceOf({ before: { deploymentId: "d_1", tookMs: 4_800n } });
  assert.match(traceSummary(longer, BEGIN), /3\.4 s longer than d_1, the last successful one before\.$/);
  const shorter = traceOf({ before: { deploymentId: "d_1", tookMs: 9_000n } });
  assert.match(traceSummary(shorter, BEGIN), /800 ms shorter than d_1/);
});

Deno.test("a trace that goes on lasts until now, and is compared with none", () => {
  const trace = traceOf({ endedAt: 0n, shares: [], before: { deploymentId: "d_1", tookMs: 1n } });
  assert.equal(traceSummary(trace, BEGIN + 2_000), "2.0 s so far.");
  assert.equal(tookMs(trace, BEGIN - 5), 0, "a clock that is behind");
});

Deno.test("a bar has the place of its span, and can be seen however short it is", () => {
  const trace = traceOf({ endedAt: BigInt(BEGIN + 10_000) });
  const at = (from: number, to: number) =>
    placeOf(
      { startedAt: BigInt(BEGIN + from), endedAt: to === 0 ? 0n : BigInt(BEGIN + to) },
      trace,
      BEGIN + 10_000,
    );
  assert.deepEqual(at(1_000, 6_000), { x: 10, width: 50, ms: 5_000 });
  assert.deepEqual(at(5_000, 0), { x: 50, width: 50, ms: 5_000 });
  assert.deepEqual(at(10_000, 10_001).width, 0.4);
  assert.equal(at(10_000, 10_001).x, 99.6);
  assert.deepEqual(at(-500, 100), { x: 0, width: 6, ms: 600 });
  for (const [from, to] of [[0, 20_000], [9_999, 30_000], [-1, -1]] as const) {
    const { x, width } = at(from, to);
    assert.ok(x >= 0 && x + width <= 100.0001, `${x} ${width}`);
  }
});

Deno.test("the waterfall marks the critical path, gaps and failures, says it in words, and is bounded", () => {
  const spans = [
    spanOf({ critical: true, endedAt: BigInt(BEGIN + 5_100) }),
    spanOf({ id: "2", name: "<img src=x>", gap: true, depth: 2 }),
    spanOf({ id: "3", status: "failed" }),
  ];
  const html = renderToString(<Waterfall trace={traceOf({ spans })} nowMs={BEGIN} />);
  assert.match(html, /<svg class="waterfall" role="img" aria-label="8\.2 s: build 5\.1 s, start 1\.4 s\./);
  assert.match(html, /<g class="done critical "><title>build 5\.1 s<\/title>/);
  assert.match(html, /<g class="done {2}gap"><title>&lt;img src=x>/);
  assert.match(html, /<g class="failed {2}">/);
  assert.ok(!html.includes("<img") && !html.includes(" style="));
  const many = Array.from({ length: 250 }, (_, n) => spanOf({ id: String(n) }));
  const cut = renderToString(<Waterfall trace={traceOf({ spans: many, droppedSpans: 5 })} nowMs={BEGIN} />);
  assert.equal(cut.match(/<g /g)?.length, 200);
  assert.match(cut, /55 more are left out/);
});
