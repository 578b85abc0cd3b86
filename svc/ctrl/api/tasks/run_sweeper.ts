import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { giveUpRun } from "../../internal/runs/mod.ts";
import { type CtrlDatabase, deleteRuns, listOverdueRuns } from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";
import { inRounds } from "./rounds.ts";

export interface RunSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notifier: ChangeNotifier;
  readonly meter?: Meter;
}

const SWEEP_MS = 15_000;
const OVERDUE_PER_ROUND = 100;
const KEPT_MS = 90 * 24 * 3_600_000;
const DELETED_AT_ONCE = 200;

/** Gives up runs whose agents are silent, and removes runs past their retention, in small batches. */
export async function sweepRuns(deps: RunSweeperDeps, signal: AbortSignal): Promise<void> {
  const { db, clock, log, notifier } = deps;
  await repeat(deps, signal, SWEEP_MS, async () => {
    const nowMs = clock.now();
    await inRounds(signal, async () => {
      const overdue = await listOverdueRuns(db.kysely, { nowMs, limit: OVERDUE_PER_ROUND });
      for (const run of overdue) {
        signal.throwIfAborted();
        const regions = await transact(db, (tx) => giveUpRun(tx, run, { nowMs }));
        notifier.changed(regions);
        log.info("run given up", { run_id: run.run_id, deployment_id: run.deployment_id });
      }
      return overdue.length === OVERDUE_PER_ROUND;
    });
    const old = { beforeMs: nowMs - KEPT_MS, limit: DELETED_AT_ONCE };
    await inRounds(signal, async () => await transact(db, (tx) => deleteRuns(tx, old)) === DELETED_AT_ONCE);
  });
}
