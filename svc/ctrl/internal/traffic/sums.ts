import { addEdges, addIntervals, NO_COUNTS, type TrafficCounts } from "./counts.ts";

/** Counts that belong to an interval. */
export interface IntervalCounts {
  readonly startedAtMs: number;
  readonly counts: TrafficCounts;
}

/** The sum over intervals, several of which may be of the same time. */
export function sumOf(parts: readonly IntervalCounts[]): TrafficCounts {
  const intervals = new Map<number, TrafficCounts>();
  for (const { startedAtMs, counts } of parts) {
    const known = intervals.get(startedAtMs);
    intervals.set(startedAtMs, known === undefined ? counts : addEdges(known, counts));
  }
  return [...intervals].toSorted(([a], [b]) => a - b).reduce(
    (sum, [, counts]) => addIntervals(sum, counts),
    NO_COUNTS,
  );
}
