import type { Clock } from "../clock/mod.ts";
import { backoffMs } from "../retry/mod.ts";

export interface PollOptions {
  readonly clock: Clock;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** Between the end of a run and the next one; half of it fixed, half random, so that processes do not run together. */
  readonly everyMs: number;
  /** The wait doubles with each failure up to this; six times `everyMs` by default. */
  readonly everyMsMax?: number;
  /** Called for each failure, with their number in a row. */
  readonly onError: (error: unknown, failures: number) => void;
}

/** Runs `action` at once and then again and again until the signal aborts, less often while it fails. */
export async function poll(action: () => Promise<void>, options: PollOptions): Promise<void> {
  const { clock, signal, everyMs, everyMsMax = everyMs * 6, onError } = options;
  for (let failures = 0; !signal.aborted;) {
    try {
      await action();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      onError(error, ++failures);
    }
    // The signal ends the wait and the loop.
    await clock.sleep(backoffMs(failures + 1, everyMs, everyMsMax), signal).catch(() => undefined);
  }
}
