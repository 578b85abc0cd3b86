import assert from "node:assert/strict";
import {
  type DeploymentSpansTable,
  type DeploymentStepsTable,
  type DeploymentTracesTable,
  spanIdOf,
  stepSpanId,
} from "../store/mod.ts";
import { assemble, type Assembled, phasesOf, sharesOf } from "./assemble.ts";
import type { TraceNode } from "./tree.ts";

const ID = "d_1";

function trace(endedAt: number | null): DeploymentTracesTable {
  return {
    deployment_id: ID,
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    parent_span_id: "",
    is_sampled: null,
    started_at: 0,
    ended_at: endedAt,
    outcome: endedAt === null ? null : "ready",
    dropped_spans: 0,
    export_at: null,
  };
}

type Source = DeploymentSpansTable["source"];

function span(
  source: Source,
  name: string,
  [started_at, ended_at]: readonly [number, number],
  changes: Partial<DeploymentSpansTable> = {},
): DeploymentSpansTable {
  const id = source === "step"
    ? stepSpanId(ID, name as never)
    : spanIdOf(ID, source, `${name} ${started_at}`);
  const rest = { deployment_id: ID, parent_id: "", region: "", detail: "", status: "done" } as const;
  return { ...rest, id, source, name, started_at, ended_at, ...changes };
}

const inBuild = { parent_id: stepSpanId(ID, "building") };
const inEurope = { region: "eu" };

/** A build from source with two stages that run side by side, in one region. */
const DEPLOY: readonly DeploymentSpansTable[] = [
  span("client", "pack", [20, 50]),
  span("client", "upload", [50, 110]),
  span("api", "create", [110, 140]),
  span("worker", "look for image", [160, 165]),
  span("step", "building", [170, 1_170]),
  span("worker", "look for image", [170, 175]),
  span("worker", "[a 1/2] FROM base", [200, 400], { ...inBuild, status: "cached" }),
  span("worker", "[b 1/1] RUN slow", [250, 1_000], inBuild),
  span("worker", "[a 2/2] RUN quick", [400, 600], inBuild),
  span("worker", "push", [1_000, 1_150], inBuild),
  span("worker", "place", [1_175, 1_190]),
  span("step", "deploying", [1_190, 1_700]),
  span("region", "pull", [1_210, 1_400], inEurope),
  span("region", "start", [1_400, 1_500], inEurope),
  span("region", "health", [1_520, 1_650], inEurope),
  span("step", "network", [1_700, 1_720]),
];

/** `*` stands for the critical path, `-` for a gap. */
function lines({ children }: TraceNode, indent = ""): string[] {
  return children.flatMap((node) => [
    `${indent}${node.isCritical ? "*" : " "}${node.source === "gap" ? "-" : " "}${node.name} ` +
    `${node.startMs}..${node.endMs}${node.status === "done" ? "" : ` ${node.status}`}`,
    ...lines(node, `${indent}  `),
  ]);
}

const assembled = (spans: readonly DeploymentSpansTable[], endedAt: number | null = 1_720): Assembled =>
  assemble({ trace: trace(endedAt), spans, steps: [], nowMs: 5_000 });

Deno.test("a deploy's spans and the gaps between them are a tree, with the path that was waited for", () => {
  assert.deepEqual(lines(assembled(DEPLOY.toReversed()).root), [
    "*-command 0..20",
    "* pack 20..50",
    "* upload 50..110",
    "* create 110..140",
    "*-waiting for the worker 140..160",
    "* look for image 160..165",
    "*-workflow 165..170",
    "* build 170..1170",
    "  * look for image 170..175",
    "  *-builder 175..250",
    "    [a 1/2] FROM base 200..400 cached",
    "  * [b 1/1] RUN slow 250..1000",
    "    [a 2/2] RUN quick 400..600",
    "  * push 1000..1150",
    "  *-workflow 1150..1170",
    "*-workflow 1170..1175",
    "* place 1175..1190",
    "* start 1190..1700",
    "  *-waiting for the agent 1190..1210",
    "  * region 1210..1650",
    "    * pull 1210..1400",
    "    * start 1400..1500",
    "    *-agent 1500..1520",
    "    * health 1520..1650",
    "  *-waiting for the worker 1650..1700",
    "* switch 1700..1720",
  ]);
});

Deno.test("the segments of the critical path add up to the whole", () => {
  const { root, path } = assembled(DEPLOY);
  assert.equal(path.reduce((sum, { ms }) => sum + ms, 0), root.endMs - root.startMs);
  const shares = sharesOf({ root, path });
  assert.deepEqual(shares.slice(0, 4), [
    { name: "build", ms: 755 },
    { name: "pull", ms: 190 },
    { name: "push", ms: 150 },
    { name: "health", ms: 130 },
  ]);
  assert.equal(shares.reduce((sum, { ms }) => sum + ms, 0), 1_720);
  const phases = phasesOf({ root, path });
  assert.deepEqual(phases.find(({ name }) => name === "workflow"), { name: "workflow", ms: 10 });
  assert.equal(phases.reduce((sum, { ms }) => sum + ms, 0), 1_720);
});

Deno.test("the region that was ready last is waited for", () => {
  const slow = DEPLOY.filter(({ source }) => source === "region")
    .map((each) => ({
      ...each,
      id: `${each.id}x`,
      region: "us",
      started_at: each.started_at + 20,
      ended_at: each.ended_at + 20,
    }));
  const start = assembled([...DEPLOY, ...slow]).root.children.find(({ name }) => name === "start");
  const regions = start?.children.filter(({ name }) => name === "region");
  assert.deepEqual(regions?.map(({ region, isCritical }) => [region, isCritical]), [["eu", false], [
    "us",
    true,
  ]]);
});

Deno.test("a deploy that waits shows the step that runs, up to now", () => {
  const step: DeploymentStepsTable = {
    deployment_id: ID,
    name: "queued",
    status: "running",
    message: "",
    error_message: "",
    started_at: 150,
    ended_at: null,
  };
  const { root, path } = assemble({
    trace: trace(null),
    spans: DEPLOY.slice(0, 3),
    steps: [step],
    nowMs: 900,
  });
  assert.deepEqual(lines(root).slice(-2), ["*-waiting for the worker 140..150", "* queue 150..900 running"]);
  assert.equal(path.reduce((sum, { ms }) => sum + ms, 0), 900);
});

Deno.test("a start long after the deploy is no part of it, and what ran over its end is cut", () => {
  const later = [
    span("region", "start", [90_000, 91_000], inEurope),
    span("client", "upload", [130, 999]),
  ];
  assert.deepEqual(lines(assembled([...DEPLOY.slice(0, 1), ...later], 150).root), [
    "*-command 0..20",
    "* pack 20..50",
    "*-command 50..130",
    "* upload 130..150",
  ]);
});

Deno.test("a deploy without spans is one gap", () => {
  assert.deepEqual(lines(assembled([], 100).root), []);
  assert.deepEqual(sharesOf(assembled([], 100)), [{ name: "deploy", ms: 100 }]);
  const place = span("worker", "place", [60, 80]);
  assert.deepEqual(lines(assembled([place], 100).root), [
    "*-waiting for the worker 0..60",
    "* place 60..80",
    "*-workflow 80..100",
  ]);
});
