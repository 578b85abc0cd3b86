import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DeploymentTraceSchema, TraceSpanSchema } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { comparedPhases, Phases } from "./phases.tsx";
import { readTrace } from "./read.ts";
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

Deno.test("a deployment whose trace is not kept has none, and any other failure is one", async () => {
  const read = (code: Code) => {
    const transport = createRouterTransport((router) =>
      void router.service(DeploymentService, {
        getDeploymentTrace: () => {
          throw new ConnectError("d_1 has no trace", code);
        },
      })
    );
    const options = { signal: new AbortController().signal };
    return readTrace({ deployments: createClient(DeploymentService, transport) }, "d_1", options);
  };
  assert.equal(await read(Code.FailedPrecondition), undefined);
  await assert.rejects(read(Code.Unavailable), /has no trace/);
});

Deno.test("the phases of a deploy are beside those of the last successful one", () => {
  const spans = [
    spanOf({ name: "build", endedAt: BigInt(BEGIN + 5_000) }),
    spanOf({ id: "2", parentId: "1", name: "RUN make", endedAt: BigInt(BEGIN + 4_000) }),
    spanOf({ id: "3", name: "start", startedAt: BigInt(BEGIN + 5_000), endedAt: 0n }),
    spanOf({ id: "4", name: "wait", gap: true, endedAt: BigInt(BEGIN + 1_000) }),
  ];
  const before = {
    deploymentId: "d_0",
    tookMs: 9_000n,
    phases: [{ name: "build", tookMs: 1_600n }, { name: "queued", tookMs: 300n }, {
      name: "start",
      tookMs: 2_000n,
    }],
  };
  const trace = traceOf({ spans, before });
  const now = BEGIN + 6_000;
  assert.deepEqual(comparedPhases(trace, now).map(({ name, ms, beforeMs }) => [name, ms, beforeMs]), [
    ["build", 5_000, 1_600],
    ["start", 1_000, 2_000],
    ["wait", 1_000, undefined],
    ["queued", undefined, 300],
  ]);
  const text = renderToString(<Phases trace={trace} nowMs={now} />).replaceAll(/<[^>]*>/g, " ");
  assert.match(
    text.replaceAll(/\s+/g, " "),
    /Beside d_0 .{0,60} build 5\.0 s 1\.6 s \+3\.4 s start 1\.0 s 2\.0 s −1\.0 s/,
  );
  assert.equal(renderToString(<Phases trace={traceOf({ spans })} nowMs={now} />), "");
});
