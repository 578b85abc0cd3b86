/**
 * Time as a value that is passed in, so that tests decide what time it is.
 *
 * ```ts
 * const clock = systemClock();
 * await clock.sleep(500, signal); // rejects as soon as the signal aborts
 * ```
 *
 * @module
 */

/** Where code reads the time and waits. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits `ms` milliseconds, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export function systemClock(): Clock {
  return { now: () => Date.now(), sleep };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", aborted, { once: true });
    // The first timer of a test process loads code, and lets other work run before it returns.
    if (signal?.aborted) aborted();
    function done(): void {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
  });
}
