/** Rows of traffic as a series of equal steps, with totals. */
import { type LatencyCount, latencyQuantile } from "../../../../pkg/latency/mod.ts";
import { requestsOf, type TrafficCounts } from "./counts.ts";
import { type IntervalCounts, sumOf } from "./sums.ts";

/** The numbers of a time, as they are shown. */
export interface TrafficNumbers {
  readonly requests: number;
  readonly responses: readonly number[];
  readonly failedByEdge: number;
  readonly cutOff: number;
  readonly cancelled: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly concurrencyMean: number;
  readonly concurrencyMax: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface TrafficSeries {
  readonly total: TrafficNumbers;
  readonly points: readonly { readonly atMs: number; readonly numbers: TrafficNumbers }[];
  readonly regions: readonly { readonly region: string; readonly numbers: TrafficNumbers }[];
  readonly lastRequestAtMs: number;
}

/** The range of a series. */
export interface TrafficRange {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly stepSeconds: number;
}

/** In seconds. Points of a series are as short as they can be with not too many of them. */
const STEPS = [10, 60, 300, 900, 3_600, 21_600] as const;
const POINTS_MAX = 360;
const HOUR_MS = 3_600_000;
/** Shorter intervals are kept for so long. */
const SECONDS_KEPT_MS = 2 * HOUR_MS;
const MINUTES_KEPT_MS = 48 * HOUR_MS;

/** The last `sinceSeconds`, from the beginning of a step on. */
export function rangeOf(sinceSeconds: number, nowMs: number): TrafficRange {
  const sinceMs = sinceSeconds * 1_000;
  const least = sinceMs > MINUTES_KEPT_MS ? 3_600 : sinceMs > SECONDS_KEPT_MS ? 60 : 10;
  const stepSeconds = STEPS.find((step) => step >= least && sinceSeconds / step <= POINTS_MAX) ?? 21_600;
  const stepMs = stepSeconds * 1_000;
  return { fromMs: Math.floor((nowMs - sinceMs) / stepMs) * stepMs, untilMs: nowMs, stepSeconds };
}

/** The series of rows; those of one time are of several edges. */
export function seriesOf(
  rows: readonly (IntervalCounts & { readonly region: string })[],
  { fromMs, untilMs, stepSeconds }: TrafficRange,
): TrafficSeries {
  const stepMs = stepSeconds * 1_000;
  const allMs = untilMs - fromMs;
  const total = sumOf(rows);
  const points = Map.groupBy(rows, ({ startedAtMs }) => Math.floor(startedAtMs / stepMs) * stepMs);
  const regions = Map.groupBy(rows, ({ region }) => region);
  return {
    total: numbersOf(total, allMs),
    points: [...points].toSorted(([a], [b]) => a - b).map(([atMs, own]) => ({
      atMs,
      numbers: numbersOf(sumOf(own), Math.min(stepMs, untilMs - atMs)),
    })),
    regions: [...regions].toSorted(([a], [b]) => a < b ? -1 : 1).map(([region, own]) => ({
      region,
      numbers: numbersOf(sumOf(own), allMs),
    })),
    lastRequestAtMs: total.lastRequestAtMs,
  };
}

function numbersOf(counts: TrafficCounts, lengthMs: number): TrafficNumbers {
  const { responses, failedByEdge, cutOff, cancelled, receivedBytes, sentBytes, concurrencyMax } = counts;
  return {
    requests: requestsOf(counts),
    responses,
    failedByEdge,
    cutOff,
    cancelled,
    receivedBytes,
    sentBytes,
    concurrencyMean: counts.busyMs / Math.max(1, lengthMs),
    concurrencyMax,
    ...quantilesOf(counts.latency),
  };
}

function quantilesOf(latency: readonly LatencyCount[]): Pick<TrafficNumbers, "p50Ms" | "p95Ms" | "p99Ms"> {
  return {
    p50Ms: latencyQuantile(latency, 0.5),
    p95Ms: latencyQuantile(latency, 0.95),
    p99Ms: latencyQuantile(latency, 0.99),
  };
}
