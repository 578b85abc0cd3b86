/**
 * Latencies as counts in buckets: what is counted apart can be added, and quantiles are read from the sums.
 *
 * ```ts
 * counts[latencyBucket(waitedMs)]++;
 * latencyQuantile([[12, 90], [40, 10]], 0.95); // milliseconds
 * ```
 *
 * A bucket is one millisecond wide up to 16 ms, and at most an eighth of its beginning above: a quantile is off by less than
 * that. Everything from 524 s on is in the last bucket.
 *
 * @module
 */

/** Bucket and count; buckets without a count are left out. */
export type LatencyCount = readonly [bucket: number, count: number];

const EXACT_MS = 16;
const PER_OCTAVE = 8;
const FIRST_OCTAVE = 4;
const LAST_OCTAVE = 18;
/** The number of buckets. */
export const LATENCY_BUCKETS = EXACT_MS + (LAST_OCTAVE - FIRST_OCTAVE + 1) * PER_OCTAVE;

/** The bucket of a time in milliseconds. */
export function latencyBucket(ms: number): number {
  const whole = ms > 0 ? Math.min(Math.floor(ms), 0x7fff_ffff) : 0;
  if (whole < EXACT_MS) return whole;
  const octave = 31 - Math.clz32(whole);
  if (octave > LAST_OCTAVE) return LATENCY_BUCKETS - 1;
  return EXACT_MS + (octave - FIRST_OCTAVE) * PER_OCTAVE + ((whole >> (octave - 3)) & (PER_OCTAVE - 1));
}

/** The shortest time in a bucket, in milliseconds. */
export function bucketStartMs(bucket: number): number {
  if (bucket < EXACT_MS) return bucket;
  const above = bucket - EXACT_MS;
  const octave = FIRST_OCTAVE + Math.floor(above / PER_OCTAVE);
  return 2 ** octave + (above % PER_OCTAVE) * 2 ** (octave - 3);
}

/** The time that the share `quantile` of all latencies does not exceed, in milliseconds; `undefined` without any. */
export function latencyQuantile(counts: readonly LatencyCount[], quantile: number): number | undefined {
  const sorted = counts.filter(([, count]) => count > 0).toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const last = sorted.at(-1);
  if (last === undefined) return undefined;
  let below = 0;
  for (const [bucket, count] of sorted) {
    const within = (quantile * total - below) / count;
    if (within <= 1) {
      const start = bucketStartMs(bucket);
      const end = bucket === LATENCY_BUCKETS - 1 ? start : bucketStartMs(bucket + 1);
      return start + Math.max(0, within) * (end - start);
    }
    below += count;
  }
  return bucketStartMs(last[0]);
}
