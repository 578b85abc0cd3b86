import { NO_COUNTS, type TrafficCounts } from "./counts.ts";

/** Counts of one edge that gave `requests` answers, a fifth of them after 40 ms and the others after 4. */
export function countsOf(requests: number, changes: Partial<TrafficCounts> = {}): TrafficCounts {
  const slow = Math.floor(requests / 5);
  return {
    ...NO_COUNTS,
    responses: [0, requests, 0, 0, 0],
    busyMs: requests * 10,
    concurrencyMax: Math.min(3, requests),
    latency: [[4, requests - slow], [26, slow]],
    ...changes,
  };
}
