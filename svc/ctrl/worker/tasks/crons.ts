import { poll } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { fireCron, holdCrons } from "../../internal/crons/mod.ts";
import {
  type CtrlDatabase,
  deleteRemovedCrons,
  type DueCron,
  findDeployment,
  listDueCrons,
  listOutdatedCrons,
  lockEnvironment,
} from "../../internal/store/mod.ts";

export interface CronDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly changes: ChangeNotifier;
}

/** Times of schedules are full minutes; a run is asked for so long after its time at the latest. */
const EVERY_MS = 1_000;
const EVERY_MS_MAX = 15_000;
const PAGE = 200;
/** Transactions at once: those of one workspace take turns, others do not wait for each other. */
const AT_ONCE = 4;
const TIDY_EVERY_MS = 60_000;
const OUTDATED_AT_ONCE = 100;
const REMOVED_KEPT_MS = 90 * 24 * 3_600_000;
const DELETED_AT_ONCE = 100;

/**
 * Makes the runs of crons that are due, by the database's time, until `signal` aborts. Every worker may do it: the row of a cron
 * decides who makes the run of a time.
 */
export async function runCrons(deps: CronDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  let tidyAtMs = 0;
  const look = async (): Promise<void> => {
    if (clock.now() >= tidyAtMs) {
      await tidyCrons(deps, signal);
      tidyAtMs = clock.now() + TIDY_EVERY_MS;
    }
    await fireDueCrons(deps, signal);
  };
  await poll(() => meter(look), {
    clock,
    signal,
    everyMs: EVERY_MS,
    everyMsMax: EVERY_MS_MAX,
    onError: (error, failures) => log.warn("crons not run", { error: describeError(error), failures }),
  });
}

/** One look at all crons that are due. A cron that fails is left for the next look, and holds up no other. */
export async function fireDueCrons(deps: CronDeps, signal: AbortSignal): Promise<number> {
  const nowMs = deps.clock.now();
  let count = 0;
  let after: DueCron | undefined;
  for (;;) {
    const page = await listDueCrons(deps.db.kysely, { nowMs, after, limit: PAGE });
    const left = page.values();
    const workers = Array.from({ length: AT_ONCE }, async () => {
      for (const due of left) {
        if (signal.aborted) return;
        if (await fire(deps, due, nowMs)) count++;
      }
    });
    await Promise.all(workers);
    signal.throwIfAborted();
    after = page.at(-1);
    if (page.length < PAGE || after === undefined) return count;
  }
}

/** True when there is a run. */
async function fire({ db, log, changes }: CronDeps, due: DueCron, nowMs: number): Promise<boolean> {
  const { id: cron_id, environment_id } = due;
  try {
    const { runId, regions } = await transact(db, (tx) => fireCron(tx, due, nowMs));
    changes.changed(regions);
    return runId !== undefined;
  } catch (error) {
    log.warn("cron not run", { cron_id, environment_id, error: describeError(error) });
    return false;
  }
}

/** Takes the crons of deployments that went live by a worker of the former release, and forgets old ones. */
export async function tidyCrons({ db, clock, log }: CronDeps, signal: AbortSignal): Promise<void> {
  const nowMs = clock.now();
  for (const { environmentId } of await listOutdatedCrons(db.kysely, OUTDATED_AT_ONCE)) {
    signal.throwIfAborted();
    await transact(db, async (tx) => {
      const environment = await lockEnvironment(tx, environmentId);
      const liveId = environment?.live_deployment_id ?? undefined;
      const deployment = liveId === undefined ? undefined : await findDeployment(tx, liveId);
      if (environment === undefined || deployment === undefined) return;
      await holdCrons(tx, environment, deployment, nowMs);
    });
    log.info("crons taken from the live deployment", { environment_id: environmentId });
  }
  const old = { beforeMs: nowMs - REMOVED_KEPT_MS, limit: DELETED_AT_ONCE };
  await transact(db, (tx) => deleteRemovedCrons(tx, old));
}
