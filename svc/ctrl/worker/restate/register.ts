/** Making this worker known to Restate. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { register, type RestateAdmin } from "./admin.ts";
import { journalUri } from "./journal.ts";

export interface Registration extends RestateAdmin {
  /** Where Restate reaches this worker. */
  readonly uri: string;
  /** Asks other workers whether they are there; the runtime's by default. */
  readonly fetch?: typeof fetch;
  readonly clock: Clock;
  readonly log: Logger;
  /** Counts looks for workers that are gone. */
  readonly meter?: Meter;
}

const FIRST_MS = 100;
const MAX_MS = 5_000;

/**
 * Registers this worker for journals of the revision that it writes, in place of its former registration for them, and
 * tries until that works or `signal` aborts.
 */
export async function registerWorker(registration: Registration, signal: AbortSignal): Promise<void> {
  const { clock, log, adminUrl } = registration;
  const uri = journalUri(registration.uri);
  for (let attempt = 1;; attempt++) {
    signal.throwIfAborted();
    try {
      const id = await register(registration, uri, signal);
      log.info("registered with restate", { uri, deployment: id, attempt });
      return;
    } catch (error) {
      signal.throwIfAborted();
      const waitMs = Math.round(backoffMs(attempt, FIRST_MS, MAX_MS));
      const check = error instanceof Fault ? error.publicMessage : undefined;
      log.warn("cannot register with restate", {
        adminUrl,
        uri,
        attempt,
        waitMs,
        check,
        error: describeError(error),
      });
      await clock.sleep(waitMs, signal);
    }
  }
}
