import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { type CtrlDatabase, deleteGraduals, listUnwatchedGraduals } from "../../internal/store/mod.ts";
import type { Workflows } from "../../internal/workflows/mod.ts";
import { repeat } from "./repeat.ts";
import { inRounds } from "./rounds.ts";

export interface GradualSweeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly workflows: Pick<Workflows, "watchGradual">;
  readonly meter?: Meter;
}

/** The first look at a deploy in steps comes within this time. */
const SWEEP_MS = 5_000;
/** Several looks, and a restart of the worker between two of them. */
const UNWATCHED_MS = 30_000;
const WATCHED_PER_SWEEP = 100;
const KEPT_MS = 90 * 24 * 3_600_000;
const DELETED_AT_ONCE = 200;

/**
 * Watches gradual switches that deploys have begun, and those whose chain of looks broke off, as after a restore of the workflow engine.
 * Removes those past
 * their retention, in small batches.
 */
export async function sweepGraduals(deps: GradualSweeperDeps, signal: AbortSignal): Promise<void> {
  const { db, clock, log, workflows } = deps;
  await repeat(deps, signal, SWEEP_MS, async () => {
    const nowMs = clock.now();
    const unwatched = { beforeMs: nowMs - UNWATCHED_MS, limit: WATCHED_PER_SWEEP };
    for (const id of await listUnwatchedGraduals(db.kysely, unwatched)) {
      await workflows.watchGradual(id, signal);
      log.info("gradual switch is watched", { gradual_switch_id: id });
    }
    const old = { beforeMs: nowMs - KEPT_MS, limit: DELETED_AT_ONCE };
    await inRounds(
      signal,
      async () => await transact(db, (tx) => deleteGraduals(tx, old)) === DELETED_AT_ONCE,
    );
  });
}
