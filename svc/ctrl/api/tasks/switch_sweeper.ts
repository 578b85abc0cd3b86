import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { type CtrlDatabase, deleteSwitches, endSwitch, listOpenSwitches } from "../../internal/store/mod.ts";
import { failedRequests, RECEIPT_MS_MAX } from "../../internal/switches/mod.ts";
import { repeat } from "./repeat.ts";

export interface SwitchSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
}

const SWEEP_MS = 15_000;
const ENDED_PER_SWEEP = 500;
const KEPT_MS = 90 * 24 * 3_600_000;
const DELETED_AT_ONCE = 200;
const DELETES_PER_SWEEP = 10;

/**
 * Makes the receipts of switches final: readers get the same numbers before, but from many small rows. Removes switches past
 * their retention, in small batches.
 */
export async function sweepSwitches(deps: SwitchSweeperDeps, signal: AbortSignal): Promise<void> {
  const { db, clock } = deps;
  await repeat(deps, signal, SWEEP_MS, async () => {
    const nowMs = clock.now();
    const open = { beforeMs: nowMs - RECEIPT_MS_MAX, limit: ENDED_PER_SWEEP };
    for (const id of await listOpenSwitches(db.kysely, open)) {
      signal.throwIfAborted();
      await transact(db, (tx) => endSwitch(tx, id, { nowMs, sum: failedRequests }));
    }
    for (let batch = 0; batch < DELETES_PER_SWEEP; batch++) {
      const old = { beforeMs: nowMs - KEPT_MS, limit: DELETED_AT_ONCE };
      if (await transact(db, (tx) => deleteSwitches(tx, old)) < DELETED_AT_ONCE) break;
      signal.throwIfAborted();
    }
  });
}
