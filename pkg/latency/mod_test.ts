import assert from "node:assert/strict";
import { bucketStartMs, LATENCY_BUCKETS, latencyBucket, type LatencyCount, latencyQuantile } from "./mod.ts";

Deno.test("each time is in the bucket that begins at it or before, and buckets follow each other", () => {
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    assert.equal(latencyBucket(bucketStartMs(bucket)), bucket);
    if (bucket > 0) assert.equal(latencyBucket(bucketStartMs(bucket) - 1), bucket - 1);
  }
  for (const ms of [-5, 0, 0.9, NaN]) assert.equal(latencyBucket(ms), 0);
  for (const ms of [524_288, 1e9, Infinity]) assert.equal(latencyBucket(ms), LATENCY_BUCKETS - 1);
});

Deno.test("latencyQuantile() is off by less than an eighth, for every spread of latencies", () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (const spread of [2, 5, 10, 17]) {
    const times = Array.from({ length: 5_000 }, () => Math.floor(2 ** (random() * spread))).toSorted((a, b) =>
      a - b
    );
    const counts = new Map<number, number>();
    for (const ms of times) counts.set(latencyBucket(ms), (counts.get(latencyBucket(ms)) ?? 0) + 1);
    for (const quantile of [0.01, 0.5, 0.95, 0.99]) {
      const exact = times[Math.ceil(quantile * times.length) - 1] ?? NaN;
      const read = latencyQuantile([...counts], quantile) ?? NaN;
      assert.ok(Math.abs(read - exact) <= Math.max(1, exact / 8), `${quantile}: ${read} instead of ${exact}`);
    }
  }
});

Deno.test("latencyQuantile() has no answer without latencies, and ends at the last bucket", () => {
  const none: readonly LatencyCount[] = [[3, 0]];
  assert.equal(latencyQuantile(none, 0.5), undefined);
  assert.equal(latencyQuantile([[LATENCY_BUCKETS - 1, 4]], 0.99), bucketStartMs(LATENCY_BUCKETS - 1));
});
