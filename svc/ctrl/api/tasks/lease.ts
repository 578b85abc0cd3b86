import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import {
  type CtrlDatabase,
  leaseApiProcess,
  removeApiProcess,
  removeExpiredApiProcesses,
} from "../../internal/store/mod.ts";

export interface LeaseOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly id: string;
  readonly nudgeUrl: string;
}

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;

/** Keeps this process registered for nudges until `signal` aborts. Without a lease it still finds changes by polling. */
export async function holdLease(options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const { db, clock, log, id, nudgeUrl, meter = NO_METER } = options;
  while (!signal.aborted) {
    try {
      const now = clock.now();
      await meter(async () => {
        await leaseApiProcess(db.kysely, { id, nudgeUrl, leaseExpiresAtMs: now + LEASE_MS });
        await removeExpiredApiProcesses(db.kysely, now - LEASE_MS);
      });
    } catch (error) {
      log.warn("lease was not renewed", { error: describeError(error) });
    }
    // The signal ends the wait and the loop.
    await clock.sleep(RENEW_MS, signal).catch(() => undefined);
  }
  await removeApiProcess(db.kysely, id).catch((error: unknown) => {
    log.debug("lease was not given back", { error: describeError(error) });
  });
}
