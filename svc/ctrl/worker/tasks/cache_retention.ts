import { type CacheLimits, cacheUsage, type Endpoint, pruneCache } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";

/** Parts of the retention of a build cache. */
export interface CacheRetentionDeps {
  readonly endpoint: Endpoint;
  readonly limits: CacheLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
}

const EVERY_MS = 10 * 60_000;
const PRUNE_MS_MAX = 10 * 60_000;
const MEBIBYTE = 1024 * 1024;

/** Keeps the build cache within its limits: at the start, then every ten minutes. Several workers may share one builder. */
export async function retainCache(deps: CacheRetentionDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  while (!signal.aborted) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PRUNE_MS_MAX)]);
      await meter(() => retainCacheOnce(deps, limit));
    } catch (error) {
      if (!signal.aborted) log.warn("build cache not pruned", { error: describeError(error) });
    }
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/** Prunes, and logs the content of the cache. */
export async function retainCacheOnce(
  { endpoint, limits, log }: CacheRetentionDeps,
  signal: AbortSignal,
): Promise<void> {
  const pruned = await pruneCache(endpoint, limits, signal);
  const { entries, bytes, bytesInUse, oldestUseAtMs } = await cacheUsage(endpoint, signal);
  log.info("build cache", {
    entries,
    size_mib: mebibytes(bytes),
    in_use_mib: mebibytes(bytesInUse),
    ...(oldestUseAtMs === undefined ? {} : { oldest_use: new Date(oldestUseAtMs).toISOString() }),
    pruned_entries: pruned.entries,
    pruned_mib: mebibytes(pruned.bytes),
  });
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / MEBIBYTE);
}
