/** The numbers of a deployment's requests in an interval: how they are added, and how they are stored. */
import type { LatencyCount } from "../../../../pkg/latency/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";

export interface TrafficCounts {
  /** Responses by class of the status, from 1xx to 5xx. */
  readonly responses: readonly number[];
  /** Those with 5xx that an edge gave in the place of an instance. */
  readonly failedByEdge: number;
  readonly cutOff: number;
  readonly cancelled: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** The time of all requests together. */
  readonly busyMs: number;
  readonly concurrencyMax: number;
  /** At the end of the interval. */
  readonly concurrencyNow: number;
  /** 0: unknown. */
  readonly lastRequestAtMs: number;
  readonly latency: readonly LatencyCount[];
}

const CLASSES = 5;

export const NO_COUNTS: TrafficCounts = {
  responses: [0, 0, 0, 0, 0],
  failedByEdge: 0,
  cutOff: 0,
  cancelled: 0,
  receivedBytes: 0,
  sentBytes: 0,
  busyMs: 0,
  concurrencyMax: 0,
  concurrencyNow: 0,
  lastRequestAtMs: 0,
  latency: [],
};

/** Numbers of one interval from several edges: they had their requests at the same time. */
export function addEdges(a: TrafficCounts, b: TrafficCounts): TrafficCounts {
  return {
    ...added(a, b),
    concurrencyMax: a.concurrencyMax + b.concurrencyMax,
    concurrencyNow: a.concurrencyNow + b.concurrencyNow,
  };
}

/** Numbers of an interval and of one after it. */
export function addIntervals(earlier: TrafficCounts, later: TrafficCounts): TrafficCounts {
  return {
    ...added(earlier, later),
    concurrencyMax: Math.max(earlier.concurrencyMax, later.concurrencyMax),
    concurrencyNow: later.concurrencyNow,
  };
}

function added(
  a: TrafficCounts,
  b: TrafficCounts,
): Omit<TrafficCounts, "concurrencyMax" | "concurrencyNow"> {
  const latency = new Map<number, number>(a.latency);
  for (const [bucket, count] of b.latency) latency.set(bucket, (latency.get(bucket) ?? 0) + count);
  return {
    responses: a.responses.map((count, index) => count + (b.responses[index] ?? 0)),
    failedByEdge: a.failedByEdge + b.failedByEdge,
    cutOff: a.cutOff + b.cutOff,
    cancelled: a.cancelled + b.cancelled,
    receivedBytes: a.receivedBytes + b.receivedBytes,
    sentBytes: a.sentBytes + b.sentBytes,
    busyMs: a.busyMs + b.busyMs,
    lastRequestAtMs: Math.max(a.lastRequestAtMs, b.lastRequestAtMs),
    latency: [...latency].toSorted(([x], [y]) => x - y),
  };
}

/** Requests that have ended, or whose response has begun. */
export function requestsOf({ responses, cancelled }: TrafficCounts): number {
  return responses.reduce((sum, count) => sum + count, cancelled);
}

/** The numbers as text: those with a place of their own, a bar, and each bucket of latencies with its count. */
export function encodeCounts(counts: TrafficCounts): string {
  const numbers = [
    ...counts.responses,
    counts.failedByEdge,
    counts.cutOff,
    counts.cancelled,
    counts.receivedBytes,
    counts.sentBytes,
    counts.busyMs,
    counts.concurrencyMax,
    counts.concurrencyNow,
    counts.lastRequestAtMs,
  ];
  return `${numbers.join(" ")}|${counts.latency.map(([bucket, count]) => `${bucket}:${count}`).join(" ")}`;
}

/** @throws `internal` for a text that is none of `encodeCounts` */
export function decodeCounts(text: string): TrafficCounts {
  const [head = "", tail = ""] = text.split("|");
  const numbers = head.split(" ").map(Number);
  const at = (index: number): number => numbers[CLASSES + index] ?? 0;
  const latency = tail === "" ? [] : tail.split(" ").map((each): LatencyCount => {
    const [bucket, count] = each.split(":").map(Number);
    return [bucket ?? NaN, count ?? NaN];
  });
  if ([...numbers, ...latency.flat()].some((each) => !Number.isSafeInteger(each) || each < 0)) {
    throw new Fault("internal", "counts of traffic are not readable");
  }
  return {
    responses: Array.from({ length: CLASSES }, (_, index) => numbers[index] ?? 0),
    failedByEdge: at(0),
    cutOff: at(1),
    cancelled: at(2),
    receivedBytes: at(3),
    sentBytes: at(4),
    busyMs: at(5),
    concurrencyMax: at(6),
    concurrencyNow: at(7),
    lastRequestAtMs: at(8),
    latency,
  };
}
