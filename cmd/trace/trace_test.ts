import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DeploymentTraceSchema, TraceSpanSchema } from "../../proto/gen/ctrl/v1/trace_pb.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import { access, deploymentOf, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const START = NOW - 10_000;

function span(
  name: string,
  [startMs, endMs]: readonly [number, number],
  changes: MessageInitShape<typeof TraceSpanSchema> = {},
): MessageInitShape<typeof TraceSpanSchema> {
  const times = { startedAt: BigInt(START + startMs), endedAt: BigInt(START + endMs) };
  return { id: name, name, ...times, status: "done", critical: true, ...changes };
}

const inBuild = { parentId: "build", depth: 1 };
const TRACE: MessageInitShape<typeof DeploymentTraceSchema> = {
  deploymentId: "d_1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  startedAt: BigInt(START),
  endedAt: BigInt(START + 2_500),
  outcome: "ready",
  spans: [
    span("command", [0, 200], { gap: true }),
    span("upload", [200, 260], { detail: "1.2 MB" }),
    span("workflow", [260, 265], { gap: true }),
    span("build", [265, 1_900]),
    span("[1/2] FROM node", [270, 300], { ...inBuild, critical: false, status: "cached" }),
    span("[2/2] RUN npm install a-package-with-a-name-that-is-long", [300, 1_800], inBuild),
    span("push", [1_800, 1_900], { ...inBuild, detail: "pushing \x1b[31mlayers" }),
    span("start", [1_900, 2_500]),
    span("region", [1_910, 2_500], { parentId: "start", depth: 1, region: "eu" }),
  ],
  shares: [{ name: "build", tookMs: 1_500n }, { name: "start", tookMs: 600n }],
  before: {
    deploymentId: "d_0",
    tookMs: 3_000n,
    phases: [{ name: "command", tookMs: 150n }, { name: "build", tookMs: 2_000n }],
  },
};

async function print(
  trace: MessageInitShape<typeof DeploymentTraceSchema>,
  words: readonly string[] = [],
) {
  await using api = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({}) }),
      getDeploymentTrace: () => ({ trace }),
    },
  });
  return await unkey(["trace", "d_1", ...words], { env: access(api.url) });
}

Deno.test("trace shows where the time went, marks the critical path, and compares", async () => {
  const { code, stdout } = await print(TRACE);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `trace       4bf92f3577b34da6a3ce929d0e0e4736
deployment  d_1 of shop (production)
took        2.50s, ready (0.50s less than d_0, the success before it)
of which    build 1.50s (60 %), start 0.60s (24 %)

  WHAT                                                   AT   TOOK  BEFORE  STATUS
> command                                             0.00s  0.20s  +0.05s
> upload 1.2 MB                                       0.20s  0.06s     new
> build                                               0.27s  1.64s  -0.36s
    [1/2] FROM node                                   0.27s  0.03s          cached
>   [2/2] RUN npm install a-package-with-a-name-tha…  0.30s  1.50s
>   push pushing layers                               1.80s  0.10s
> start                                               1.90s  0.60s     new
>   eu                                                1.91s  0.59s

The critical path is marked with ">": a shorter time there makes the deploy shorter.
`,
  );
});

Deno.test("trace --json has every span with its place, in milliseconds", async () => {
  const json = onlyJson(await print(TRACE, ["--json"]));
  assert.partialDeepStrictEqual(json, {
    id: "d_1",
    traceId: TRACE.traceId,
    startedAt: START,
    endedAt: START + 2_500,
    tookMs: 2_500,
    outcome: "ready",
    shares: [{ name: "build", tookMs: 1_500 }, { name: "start", tookMs: 600 }],
    before: { id: "d_0", tookMs: 3_000 },
  });
  assert.ok(typeof json === "object" && json !== null && "spans" in json && Array.isArray(json.spans));
  assert.deepEqual(json.spans[4], {
    id: "[1/2] FROM node",
    parent: "build",
    name: "[1/2] FROM node",
    startedAt: START + 270,
    endedAt: START + 300,
    tookMs: 30,
    status: "cached",
    critical: false,
    gap: false,
  });
});

Deno.test("trace of a deploy that goes on says so, and how many spans are missing", async () => {
  const { endedAt: _end, outcome: _outcome, before: _before, ...rest } = TRACE;
  const trace = { ...rest, spans: [span("queue", [0, 10_000], { status: "running" })], droppedSpans: 7 };
  const { stdout } = await print(trace);
  assert.match(stdout, /^took {8}10\.00s, and goes on$/m);
  assert.match(stdout, /^> queue +0\.00s +10\.00s +running$/m);
  assert.match(stdout, /^7 more spans were not kept\.$/m);
  assert.partialDeepStrictEqual(onlyJson(await print(trace, ["--json"])), {
    tookMs: 10_000,
    droppedSpans: 7,
  });
});

Deno.test("trace of a deployment from before traces says what to do", async () => {
  await using api = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({}) }),
      getDeploymentTrace: () => {
        throw publicFault("failed_precondition", "Deployment d_1 has no trace. Deploy again to get one.");
      },
    },
  });
  const { code, stderr } = await unkey(["trace", "d_1"], { env: access(api.url) });
  assert.equal(code, 1);
  assert.match(stderr, /Deploy again to get one/);
});
