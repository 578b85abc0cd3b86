import type { Process } from "../../pkg/cli/mod.ts";

/** The time to wait is over before the work was done. The control plane goes on with it. */
export class WaitOver extends Error {
  override readonly name = "WaitOver";
}

/**
 * Runs `work`, whose signal aborts after `limitMs`, and when the given signal does.
 *
 * @throws `WaitOver` when the time was over first
 */
export async function withinTime<T>(
  { clock, signal: stop, limitMs }: Pick<Process, "clock" | "signal"> & { readonly limitMs: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [limit, done] = [new AbortController(), new AbortController()];
  const timer = clock.sleep(limitMs, done.signal).then(() => limit.abort(), () => undefined);
  try {
    return await work(AbortSignal.any([stop, limit.signal]));
  } catch (error) {
    throw limit.signal.aborted && !stop.aborted ? new WaitOver(`not done within ${limitMs} ms`) : error;
  } finally {
    done.abort();
    await timer;
  }
}
