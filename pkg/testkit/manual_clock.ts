import type { Clock } from "../clock/mod.ts";

const STEP_MS = 500;

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = {
        untilMs: this.#nowMs + ms,
        wake: (): void => {
          signal?.removeEventListener("abort", aborted);
          resolve();
        },
      };
      const aborted = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Moves on by `ms`, in steps after which everything that waited may run and wait again. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.#nowMs += Math.min(STEP_MS, left);
      for (const each of [...this.#sleepers]) {
        if (each.untilMs > this.#nowMs) continue;
        this.#sleepers.delete(each);
        each.wake();
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}
