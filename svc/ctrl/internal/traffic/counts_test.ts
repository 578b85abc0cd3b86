import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { decodeCounts, encodeCounts, NO_COUNTS, requestsOf, type TrafficCounts } from "./counts.ts";
import { rangeOf, seriesOf } from "./series.ts";
import { sumOf } from "./sums.ts";
import { countsOf } from "./testing.ts";

const FULL: TrafficCounts = {
  responses: [1, 2, 3, 4, 5],
  failedByEdge: 1,
  cutOff: 2,
  cancelled: 3,
  receivedBytes: 2 ** 50,
  sentBytes: 7,
  busyMs: 8,
  concurrencyMax: 9,
  concurrencyNow: 10,
  lastRequestAtMs: 1_760_000_000_000,
  latency: [[0, 1], [135, 2]],
};

Deno.test("counts are the same after they were stored", () => {
  for (const counts of [NO_COUNTS, FULL, countsOf(100)]) {
    assert.deepEqual(decodeCounts(encodeCounts(counts)), counts);
  }
  for (const text of ["", "1 2 x|", "1|3:-1", "1|a:1"]) {
    if (text === "") assert.deepEqual(decodeCounts(text), NO_COUNTS);
    else assert.throws(() => decodeCounts(text), (error: unknown) => isFault(error, "internal"), text);
  }
});

Deno.test("several edges had their requests at once, several intervals one after the other", () => {
  const part = (startedAtMs: number, concurrencyMax: number, concurrencyNow: number) => ({
    startedAtMs,
    counts: countsOf(10, { concurrencyMax, concurrencyNow, lastRequestAtMs: startedAtMs }),
  });
  const sum = sumOf([part(20, 1, 1), part(10, 2, 5), part(10, 3, 5), part(20, 1, 2)]);
  assert.equal(requestsOf(sum), 40);
  assert.deepEqual([sum.concurrencyMax, sum.concurrencyNow, sum.lastRequestAtMs], [5, 3, 20]);
  assert.deepEqual(sum.latency, [[4, 32], [26, 8]]);
});

Deno.test("a range has at most 361 points, and steps that are kept for its whole length", () => {
  const now = 1_760_000_012_345;
  const steps = [[60, 10], [3_600, 10], [3_601, 60], [7_201, 60], [86_400, 300], [172_801, 3_600], [
    7_776_000,
    21_600,
  ]];
  for (const [since = 0, step = 0] of steps) {
    const range = rangeOf(since, now);
    assert.equal(range.stepSeconds, step, `${since} s`);
    assert.equal(range.fromMs % (step * 1_000), 0);
    assert.ok(now - range.fromMs >= since * 1_000 && now - range.fromMs < (since + step) * 1_000);
  }
});

Deno.test("a series has its totals by time and by region", () => {
  const rows = [
    { startedAtMs: 0, region: "eu", counts: countsOf(10) },
    { startedAtMs: 0, region: "us", counts: countsOf(20) },
    { startedAtMs: 10_000, region: "eu", counts: countsOf(30, { responses: [0, 24, 0, 0, 6] }) },
  ];
  const { total, points, regions } = seriesOf(rows, { fromMs: 0, untilMs: 15_000, stepSeconds: 10 });
  assert.deepEqual([total.requests, total.responses[4], total.concurrencyMean], [60, 6, 600 / 15_000]);
  assert.deepEqual(points.map(({ atMs, numbers }) => [atMs, numbers.requests]), [[0, 30], [10_000, 30]]);
  assert.deepEqual(regions.map(({ region, numbers }) => [region, numbers.requests]), [["eu", 40], [
    "us",
    20,
  ]]);
  assert.ok((total.p50Ms ?? 0) <= 5 && (total.p95Ms ?? 0) >= 35);
});
