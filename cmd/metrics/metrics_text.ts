/** The requests of a deployment as text: facts, a line with bars for each number, and a table of regions. */
import type { ScaledRegion } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { age, facts, table } from "../shared/output.ts";
import { scaledRegionText } from "../shared/scaling_view.ts";
import type { MetricsJson, NumbersJson } from "./metrics_json.ts";
import { type Sample, sparkline } from "./sparkline.ts";

const BARS = 40;

/** A number that is shown over time. */
interface Shown {
  readonly title: string;
  readonly of: (numbers: NumbersJson) => number | undefined;
  readonly show: (value: number) => string;
}

const LINES: readonly Shown[] = [
  { title: "requests/s", of: ({ requestsPerSecond }) => requestsPerSecond, show: decimal },
  { title: "errors", of: ({ errorRate }) => errorRate, show: percent },
  { title: "p50", of: ({ p50Ms }) => p50Ms, show: milliseconds },
  { title: "p95", of: ({ p95Ms }) => p95Ms, show: milliseconds },
  { title: "p99", of: ({ p99Ms }) => p99Ms, show: milliseconds },
  { title: "concurrency", of: ({ concurrencyMean }) => concurrencyMean, show: decimal },
];

export function metricsText(
  json: MetricsJson,
  { place, scaled, nowMs }: {
    readonly place: string;
    readonly scaled: readonly ScaledRegion[];
    readonly nowMs: number;
  },
): string {
  const { total, from, until, stepSeconds, lastRequestAt, regions } = json;
  const { responses } = total;
  const head = facts({
    ...(json.id === undefined
      ? { environment: `${place}, ${countedOf(json)}` }
      : { deployment: `${json.id} of ${place}` }),
    time: `${new Date(from).toISOString()} to ${new Date(until).toISOString()}, in steps of ${
      seconds(stepSeconds)
    }`,
    instances: scaled.map((each) => scaledRegionText(each, nowMs)),
    requests: lastRequestAt === undefined
      ? "none"
      : `${total.requests}, the last one ${age(lastRequestAt, nowMs)} ago`,
    responses: total.requests === 0
      ? undefined
      : Object.entries(responses).filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
        .join(", "),
    errors: total.requests === 0 ? undefined : errors(total),
    bytes: total.requests === 0
      ? undefined
      : `${bytes(total.receivedBytes)} in, ${bytes(total.sentBytes)} out`,
  });
  if (total.requests === 0) return head;
  const lines = LINES.map(({ title, of, show }) => {
    const samples = json.points.flatMap((point): Sample[] => {
      const value = of(point);
      return value === undefined ? [] : [{ at: point.at, value }];
    });
    const all = of(total);
    const most = samples.length === 0 ? undefined : Math.max(...samples.map(({ value }) => value));
    return [title, shown(all, show), shown(most, show), sparkline(samples, { from, until, width: BARS })];
  });
  const shownRegions = regions.length < 2 ? "" : `\n${regionTable(regions)}`;
  return `${head}\n${table(["WHAT", "ALL", "MOST", "OVER TIME"], lines)}${shownRegions}`;
}

function countedOf({ deployments, deploymentsLeftOut }: MetricsJson): string {
  const number = deployments.length === 1 ? "1 deployment" : `${deployments.length} deployments`;
  return deploymentsLeftOut ? `${number}, more are left out` : number;
}

function regionTable(regions: MetricsJson["regions"]): string {
  const rows = regions.map((each) => [each.region, ...LINES.map(({ of, show }) => shown(of(each), show))]);
  return table(["REGION", ...LINES.map(({ title }) => title.toUpperCase())], rows);
}

function errors({ errorRate, responses, failedByEdge, cutOff, cancelled }: NumbersJson): string {
  const parts = [
    `${responses["5xx"]} of 5xx${failedByEdge === 0 ? "" : ` (${failedByEdge} by edges)`}`,
    `${cutOff} broken off`,
  ];
  const gone = cancelled === 0 ? "" : `; ${cancelled} clients went away`;
  return `${percent(errorRate)}: ${parts.join(", ")}${gone}`;
}

function shown(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? "" : show(value);
}

function decimal(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function seconds(value: number): string {
  return value < 60 ? `${value} s` : value < 3_600 ? `${value / 60} min` : `${value / 3_600} h`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

function bytes(value: number): string {
  let [rest, unit] = [value, 0];
  for (; rest >= 1_000 && unit < UNITS.length - 1; unit++) rest /= 1_000;
  return `${unit === 0 ? rest : rest.toFixed(1)} ${UNITS[unit]}`;
}
