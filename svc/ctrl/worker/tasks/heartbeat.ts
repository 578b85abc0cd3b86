import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import {
  type CtrlDatabase,
  recordWorker,
  removeLostWorkers,
  removeWorker,
} from "../../internal/store/mod.ts";

export interface HeartbeatOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly id: string;
}

const EVERY_MS = 10_000;
/** Operators see a lost worker for so long. */
const LOST_KEPT_MS = 24 * 3_600_000;

/** Shows operators that this worker is alive, until `signal` aborts. Nothing else depends on it. */
export async function keepHeartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { db, clock, log, id, meter = NO_METER } = options;
  const startedAtMs = clock.now();
  while (!signal.aborted) {
    try {
      await meter(async () => {
        const nowMs = clock.now();
        await recordWorker(db.kysely, { id, started_at: startedAtMs, last_seen_at: nowMs });
        await removeLostWorkers(db.kysely, nowMs - LOST_KEPT_MS);
      });
    } catch (error) {
      log.warn("heartbeat was not stored", { error: describeError(error) });
    }
    // The signal ends the wait and the loop.
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
  await removeWorker(db.kysely, id).catch((error: unknown) => {
    log.debug("worker was not signed off", { error: describeError(error) });
  });
}
