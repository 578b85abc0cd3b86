import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { type CtrlDatabase, deleteAuditEntries, type DeletedEntries } from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";

export interface AuditSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly keptDays: number;
}

const DAY_MS = 24 * 3_600_000;
const ENTRIES_PER_DELETE = 500;
const SWEEP_MS = 3_600_000;

/** Deletes audit entries past their retention, each hour. */
export async function sweepAuditLog(deps: AuditSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, () => removeOldAuditEntries(deps, signal));
}

/**
 * Deletes them in small batches, so that no act waits for a lock. Every process may do it: deleted entries are not found
 * again.
 */
export async function removeOldAuditEntries(
  { db, clock, log, keptDays }: AuditSweeperDeps,
  signal: AbortSignal,
): Promise<void> {
  const beforeMs = clock.now() - keptDays * DAY_MS;
  let total = 0;
  let fromMs: number | undefined = 0;
  while (fromMs !== undefined) {
    signal.throwIfAborted();
    const place = { fromMs, beforeMs, limit: ENTRIES_PER_DELETE };
    const batch: DeletedEntries = await deleteAuditEntries(db.kysely, place);
    total += batch.deleted;
    fromMs = batch.fromMs;
  }
  if (total > 0) log.info("audit entries removed", { entries: total });
}
