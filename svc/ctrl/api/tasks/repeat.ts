import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";

/** Sweeps again and again until `signal` aborts, less often while it fails. */
export async function repeat(
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
  everyMs: number,
  sweep: () => Promise<void>,
  everyMsMax = everyMs * 6,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await sweep();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      log.warn("sweep failed", { error: describeError(error), failures });
    }
    const waitMs = backoffMs(failures + 1, everyMs, everyMsMax);
    // The signal ends the wait and the loop.
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
