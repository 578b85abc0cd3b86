import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { type CtrlDatabase, deleteAuditEntries } from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";

export interface AuditSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
}

/** A year and a month, so that a yearly audit in January still finds the whole year before. */
const AUDIT_KEPT_MS = 400 * 24 * 3_600_000;
const AUDIT_PER_SWEEP = 500;
const SWEEP_MS = 3_600_000;

/** Deletes audit entries past their retention, in small batches so that no act waits for a lock. */
export async function sweepAuditLog(deps: AuditSweeperDeps, signal: AbortSignal): Promise<void> {
  await repeat(deps, signal, SWEEP_MS, async () => {
    const beforeMs = deps.clock.now() - AUDIT_KEPT_MS;
    let removed = AUDIT_PER_SWEEP;
    while (removed === AUDIT_PER_SWEEP) {
      signal.throwIfAborted();
      removed = await deleteAuditEntries(deps.db.kysely, { beforeMs, limit: AUDIT_PER_SWEEP });
    }
  });
}
