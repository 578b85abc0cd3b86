import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { type SentinelMaker, wantSentinel } from "../../internal/sentinels/mod.ts";
import {
  archiveIdleSentinel,
  archiveSentinel,
  type CtrlDatabase,
  ensureSentinel,
  isPlacedIn,
  listIdleSentinels,
  listPlacementsWithoutSentinel,
  listRunningSentinels,
  lockRegion,
} from "../../internal/store/mod.ts";

export interface SentinelSweepDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly changes: ChangeNotifier;
  /** `undefined`: there are to be none. */
  readonly sentinels: SentinelMaker | undefined;
}

const EVERY_MS = 60_000;
const AT_ONCE_MAX = 200;

/**
 * Looks at the start and then now and then for sentinels that are not as they should be: new settings reach environments
 * without a deploy, and whatever a deploy missed is made good. Several workers may do it at once.
 */
export async function sweepSentinels(deps: SentinelSweepDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  while (!signal.aborted) {
    let again = false;
    try {
      again = await meter(() => sweepSentinelsOnce(deps, signal)) >= AT_ONCE_MAX;
    } catch (error) {
      if (!signal.aborted) log.warn("sentinels not swept", { error: describeError(error) });
    }
    if (!again) await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/** One look; returns how many sentinels it changed, at most a few hundred. */
export async function sweepSentinelsOnce(deps: SentinelSweepDeps, signal: AbortSignal): Promise<number> {
  const { changes, log, sentinels } = deps;
  const changed = sentinels === undefined
    ? await archiveAll(deps, signal)
    : [...await makeMissing(deps, sentinels, signal), ...await archiveIdle(deps, signal)];
  if (changed.length === 0) return 0;
  changes.changed([...new Set(changed)]);
  log.info("sentinels swept", { changed: changed.length });
  return changed.length;
}

/** Returns the region of each that was made or changed. */
async function makeMissing(
  { db, clock }: SentinelSweepDeps,
  sentinels: SentinelMaker,
  signal: AbortSignal,
): Promise<string[]> {
  const changed: string[] = [];
  const { shapes } = sentinels;
  for (const owner of await listPlacementsWithoutSentinel(db.kysely, { shapes, limit: AT_ONCE_MAX })) {
    if (signal.aborted) break;
    const { environmentId, region } = owner;
    const nowMs = clock.now();
    const wanted = await wantSentinel(sentinels, owner, nowMs);
    const isChanged = await transact(db, async (tx) => {
      // Looked at first, so that on several shards its commit comes before the feed's.
      if (!await isPlacedIn(tx, environmentId, region)) return false;
      await lockRegion(tx, region);
      return await isPlacedIn(tx, environmentId, region) && await ensureSentinel(tx, wanted, nowMs);
    });
    if (isChanged) changed.push(region);
  }
  return changed;
}

async function archiveIdle({ db, clock }: SentinelSweepDeps, signal: AbortSignal): Promise<string[]> {
  const changed: string[] = [];
  for (const { environment_id: environmentId, region } of await listIdleSentinels(db.kysely, AT_ONCE_MAX)) {
    if (signal.aborted) break;
    const isChanged = await transact(db, async (tx) => {
      if (await isPlacedIn(tx, environmentId, region)) return false;
      await lockRegion(tx, region);
      return await archiveIdleSentinel(tx, { environmentId, region, nowMs: clock.now() });
    });
    if (isChanged) changed.push(region);
  }
  return changed;
}

/** The setting was taken away. */
async function archiveAll({ db, clock }: SentinelSweepDeps, signal: AbortSignal): Promise<string[]> {
  const changed: string[] = [];
  for (const { id, region } of await listRunningSentinels(db.kysely, AT_ONCE_MAX)) {
    if (signal.aborted) break;
    const isChanged = await transact(db, (tx) => archiveSentinel(tx, { id, region, nowMs: clock.now() }));
    if (isChanged) changed.push(region);
  }
  return changed;
}
