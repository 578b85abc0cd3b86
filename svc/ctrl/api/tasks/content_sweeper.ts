import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import {
  type CtrlDatabase,
  deletePack,
  listUnusedContexts,
  listUnusedPacks,
  removeContext,
  retirePack,
} from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";
import { inRounds } from "./rounds.ts";

export interface ContentSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly objects: Pick<ObjectStore, "delete">;
}

const DAY_MS = 24 * 3_600_000;
/** Deployments can be created from a context for this time. */
const CONTEXT_MS = DAY_MS;
/** A chunk that no context needs is kept this long for the next upload. */
const PACK_MS = 7 * DAY_MS;
/** An upload whose client is gone. */
const OFFERED_MS = DAY_MS;
const PER_ROUND = 50;
const SWEEP_MS = 60_000;

/** Removes contexts and packs that nothing needs any more. */
export async function sweepContent(deps: ContentSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, async () => {
    await inRounds(signal, () => sweepContexts(deps, signal));
    await inRounds(signal, () => sweepPacks(deps, signal));
  });
}

async function sweepContexts({ db, clock, log }: ContentSweeperDeps, signal: AbortSignal): Promise<boolean> {
  const beforeMs = clock.now() - CONTEXT_MS;
  const unused = await listUnusedContexts(db.kysely, { beforeMs, limit: PER_ROUND });
  let removed = 0;
  for (const id of unused) {
    signal.throwIfAborted();
    if (!await transact(db, (tx) => removeContext(tx, id, beforeMs))) continue;
    removed++;
    log.debug("build context removed", { context_id: id });
  }
  return unused.length === PER_ROUND && removed > 0;
}

async function sweepPacks(
  { db, clock, log, objects }: ContentSweeperDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const now = clock.now();
  const limits = { beforeMs: now - PACK_MS, offeredBeforeMs: now - OFFERED_MS };
  const unused = await listUnusedPacks(db.kysely, { ...limits, limit: PER_ROUND });
  let removed = 0;
  for (const { id, object_key } of unused) {
    signal.throwIfAborted();
    if (!await transact(db, (tx) => retirePack(tx, id, limits))) continue;
    // The row goes last: a row without its object is found again, an object without a row never is.
    await objects.delete(object_key);
    await deletePack(db.kysely, id);
    removed++;
    log.debug("pack removed", { pack_id: id });
  }
  return unused.length === PER_ROUND && removed > 0;
}
