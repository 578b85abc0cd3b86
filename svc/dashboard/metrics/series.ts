/** Requests as lines over time: one value for each step, also for steps without requests. */
import type { GetTrafficResponse, TrafficNumbers } from "../../../proto/gen/ctrl/v1/traffic_pb.ts";
import { byteText, decimal } from "../text/format.ts";

/** The looks of lines, which differ by their dashes, too. */
export type LineKind = "good" | "calm" | "busy" | "bad" | "first" | "second" | "third";

/** A line of a chart. */
export interface Line {
  readonly name: string;
  readonly kind: LineKind;
  /** `null`: there is none. */
  readonly values: readonly (number | null)[];
  /** Of the whole time; `null`: there is none. */
  readonly total: number | null;
}

export interface ChartData {
  readonly title: string;
  readonly show: (value: number) => string;
  readonly lines: readonly Line[];
}

export interface MetricsSeries {
  /** The begin of each step, in milliseconds. */
  readonly times: readonly number[];
  readonly charts: readonly ChartData[];
}

interface LineSpec {
  readonly name: string;
  readonly kind: LineKind;
  /** Of a time of `seconds`. `undefined`: it has none. */
  readonly of: (numbers: TrafficNumbers, seconds: number) => number | undefined;
  /** A time without requests has none, not 0. */
  readonly isMeasured?: boolean;
}

interface ChartSpec {
  readonly title: string;
  readonly show: (value: number) => string;
  readonly lines: readonly LineSpec[];
}

const rate = (of: (numbers: TrafficNumbers) => bigint): LineSpec["of"] => (numbers, seconds) =>
  Number(of(numbers)) / seconds;
const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

const CHARTS: readonly ChartSpec[] = [
  {
    title: "Requests per second",
    show: decimal,
    lines: [
      { name: "2xx", kind: "good", of: rate((each) => each.status2xx) },
      { name: "3xx", kind: "calm", of: rate((each) => each.status3xx) },
      { name: "4xx", kind: "busy", of: rate((each) => each.status4xx) },
      { name: "5xx", kind: "bad", of: rate((each) => each.status5xx) },
      { name: "all", kind: "first", of: rate((each) => each.requests) },
    ],
  },
  {
    title: "Latency",
    show: milliseconds,
    lines: [
      { name: "p50", kind: "first", of: ({ p50Ms }) => p50Ms, isMeasured: true },
      { name: "p95", kind: "second", of: ({ p95Ms }) => p95Ms, isMeasured: true },
      { name: "p99", kind: "third", of: ({ p99Ms }) => p99Ms, isMeasured: true },
    ],
  },
  {
    title: "Failed requests",
    show: percent,
    lines: [{ name: "5xx or broken off", kind: "bad", of: errorRate, isMeasured: true }],
  },
  {
    title: "Bytes per second",
    show: byteText,
    lines: [
      { name: "received", kind: "second", of: rate((each) => each.receivedBytes) },
      { name: "sent", kind: "first", of: rate((each) => each.sentBytes) },
    ],
  },
  {
    title: "Requests at the same time",
    show: decimal,
    lines: [
      { name: "mean", kind: "first", of: ({ concurrencyMean }) => concurrencyMean },
      { name: "most", kind: "second", of: ({ concurrencyMax }) => Number(concurrencyMax) },
    ],
  },
];

/** Edges report an interval of ten seconds after its end: until then its steps have no numbers, and are not 0. */
const REPORTED_MS = 20_000;

/** Every step from the first moment up to now. */
export function seriesOf({ from, until, stepSeconds, points, total }: GetTrafficResponse): MetricsSeries {
  const [fromMs, untilMs, stepMs] = [Number(from), Number(until), Number(stepSeconds) * 1_000];
  const count = stepMs === 0 ? 0 : Math.max(0, Math.ceil((untilMs - fromMs) / stepMs));
  const times = Array.from({ length: count }, (_, index) => fromMs + index * stepMs);
  const known = new Map(points.map(({ at, numbers }) => [Number(at), numbers]));
  const lastMs = Number(points.at(-1)?.at ?? 0n);
  const charts = CHARTS.map(({ title, show, lines }) => ({
    title,
    show,
    lines: lines.map(({ name, kind, of, isMeasured = false }): Line => ({
      name,
      kind,
      values: times.map((atMs) => {
        const numbers = known.get(atMs);
        const seconds = Math.max(1, Math.min(stepMs, untilMs - atMs) / 1_000);
        if (numbers !== undefined) return of(numbers, seconds) ?? null;
        const isReported = atMs < lastMs || atMs + stepMs <= untilMs - REPORTED_MS;
        return isMeasured || !isReported ? null : 0;
      }),
      total: total === undefined ? null : of(total, Math.max(1, (untilMs - fromMs) / 1_000)) ?? null,
    })),
  }));
  return { times, charts };
}

/** The share of requests that got 5xx or whose response broke off. */
export function errorRate({ requests, status5xx, cutOff }: TrafficNumbers): number | undefined {
  return requests === 0n ? undefined : Number(status5xx + cutOff) / Number(requests);
}

/** A chart in a sentence, for readers who do not see it. */
export function chartText({ title, show, lines }: ChartData): string {
  const parts = lines.map(({ name, values, total }) => {
    const most = Math.max(...values.map((value) => value ?? 0), 0);
    return `${name} ${total === null ? "none" : show(total)}, at most ${show(most)}`;
  });
  return `${title}: ${parts.join("; ")}.`;
}
