/** Requests as lines, their page as text, and the keys of a chart. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import {
  type GetTrafficResponse,
  GetTrafficResponseSchema,
  type TrafficNumbersSchema,
} from "../../../proto/gen/ctrl/v1/traffic_pb.ts";
import { ReceiptState, TrafficSwitchSchema } from "../../../proto/gen/ctrl/v1/traffic_switch_pb.ts";
import { stepOf } from "./chart.tsx";
import { MetricsView } from "./page.tsx";
import { metricsAddress, metricsCommand, metricsQueryOf } from "./query.ts";
import { chartText, seriesOf } from "./series.ts";
import { NumberTable } from "./tables.tsx";

type Init = MessageInitShape<typeof GetTrafficResponseSchema>;

const NOW = 1_800_000_000_000;
const FROM = NOW - 60_000;
const PLACE = { projectId: "proj_1", environmentSlug: "production" };
const HOSTILE = `<img src=x onerror="alert(1)">\x1b[31m`;

function numbers(requests: number, p95Ms?: number): MessageInitShape<typeof TrafficNumbersSchema> {
  return {
    requests: BigInt(requests),
    status2xx: BigInt(requests - 1),
    status5xx: 1n,
    sentBytes: 2_500_000n,
    concurrencyMean: 0.5,
    concurrencyMax: 3n,
    ...(p95Ms === undefined ? {} : { p50Ms: 4, p95Ms, p99Ms: 90 }),
  };
}

function trafficOf(changes: Exclude<Init, GetTrafficResponse> = {}): GetTrafficResponse {
  return create(GetTrafficResponseSchema, {
    from: BigInt(FROM),
    until: BigInt(NOW),
    stepSeconds: 10n,
    total: numbers(60, 40),
    points: [{ at: BigInt(FROM), numbers: numbers(20, 40) }, {
      at: BigInt(FROM + 30_000),
      numbers: numbers(40),
    }],
    regions: [{ region: "eu", numbers: numbers(50) }, { region: HOSTILE, numbers: numbers(10) }],
    deploymentIds: ["d_1", "d_2"],
    ...changes,
  });
}

function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll("&quot;", '"').replaceAll(/\s+/g, " ").trim();
}

function htmlOf(traffic: GetTrafficResponse): string {
  const moved = create(TrafficSwitchSchema, {
    id: "sw_1",
    toDeploymentId: "d_2",
    cause: "rollback",
    committedAt: BigInt(NOW - 20_000),
    receipt: { state: ReceiptState.COMPLETE, tookMs: 38n },
  });
  const shown = { projectSlug: "shop", traffic, switches: [moved] };
  return renderToString(
    <MetricsView shown={shown} place={PLACE} query={{ since: "1h", region: "" }} nowMs={NOW} />,
  );
}

Deno.test("requests are rates at each step, and times without a request have no latency", () => {
  const { times, charts } = seriesOf(trafficOf());
  assert.deepEqual(times, [0, 1, 2, 3, 4, 5].map((step) => FROM + step * 10_000));
  const line = (title: string, name: string) =>
    charts.find((each) => each.title === title)?.lines.find((each) => each.name === name);
  assert.deepEqual(line("Requests per second", "all")?.values, [2, 0, 0, 4, null, null]);
  assert.equal(line("Requests per second", "all")?.total, 1);
  assert.deepEqual(line("Latency", "p95")?.values, [40, null, null, null, null, null]);
  assert.deepEqual(line("Failed requests", "5xx or broken off")?.values, [
    0.05,
    null,
    null,
    0.025,
    null,
    null,
  ]);
  const failed = charts.find(({ title }) => title === "Failed requests");
  assert.ok(failed !== undefined);
  assert.equal(chartText(failed), "Failed requests: 5xx or broken off 1.67 %, at most 5.00 %.");
});

Deno.test("the last step is as long as it has been", () => {
  const { charts, times } = seriesOf(trafficOf({
    until: BigInt(FROM + 12_000),
    points: [{ at: BigInt(FROM + 10_000), numbers: numbers(20) }],
  }));
  assert.equal(times.length, 2);
  assert.deepEqual(charts[0]?.lines.find(({ name }) => name === "all")?.values, [0, 10]);
});

Deno.test("the page names numbers, regions and switches as text, and the command", () => {
  const html = htmlOf(trafficOf());
  const text = textOf(html);
  assert.match(text, /^shop production metrics 15m 1h 6h/);
  assert.match(text, /60 requests of 2 deployments, in steps of 10 s/);
  assert.match(text, /Latency p50 4\.0 ms p95 40 ms p99 90 ms/);
  assert.match(text, /20 s ago d_2 rollback 38 ms, no failed request/);
  assert.match(text, /unkey metrics --all --project shop --env production --since 1h/);
  assert.match(html, /role="img"[^>]*aria-label="Latency: p50 4\.0 ms, at most 4\.0 ms;/);
  for (const each of ["<img", "\x1b"]) assert.ok(!html.includes(each), each);
  const none = textOf(htmlOf(trafficOf({ total: {}, points: [], deploymentIds: [] })));
  assert.match(none, /0 requests of 0 deployments, in steps of 10 s No requests in this time/);
});

Deno.test("the table has the steps with numbers, newest first", () => {
  const text = textOf(renderToString(<NumberTable series={seriesOf(trafficOf())} />));
  assert.match(text, /^from Requests per second, 2xx .* 3\.90 .* 1\.90 /);
  assert.equal([...text.matchAll(/500\.0 kB|250\.0 kB/g)].length, 2);
});

Deno.test("arrow keys go from step to step, and Escape leaves the chart", () => {
  const steps = (key: string, from: number | undefined): number | undefined => stepOf(key, from, 6);
  assert.deepEqual([steps("ArrowLeft", undefined), steps("ArrowLeft", 0), steps("ArrowLeft", 3)], [5, 0, 2]);
  assert.deepEqual([steps("ArrowRight", undefined), steps("ArrowRight", 5)], [0, 5]);
  assert.deepEqual([steps("Home", 3), steps("End", 3), steps("Escape", 3), steps("a", 3)], [
    0,
    5,
    undefined,
    3,
  ]);
  assert.equal(stepOf("End", undefined, 0), undefined);
});

Deno.test("time and region are in the address and in the command, and other values are left out", () => {
  const query = { since: "7d", region: "eu west" } as const;
  const address = metricsAddress(PLACE, query);
  assert.equal(address, "/environments/proj_1/production/metrics?since=7d&region=eu+west");
  assert.deepEqual(metricsQueryOf(address.slice(address.indexOf("?"))), query);
  assert.deepEqual(metricsQueryOf("?since=toString&region="), { since: "1h", region: "" });
  assert.equal(
    metricsCommand("--project shop", query),
    "unkey metrics --all --project shop --since 7d --region 'eu west'",
  );
});
