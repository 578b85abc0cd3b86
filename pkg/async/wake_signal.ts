import type { Clock } from "../clock/mod.ts";

/** Why a sleep ends early. Without a reason, an abort makes an error with a stack, which costs more than all the rest. */
const WOKEN = Symbol("woken");

/**
 * Lets one task wait until it is woken, or a time has passed. A wake-up before the wait is kept, and several count once:
 * after a wait the task looks at everything anyway.
 */
export class WakeSignal {
  readonly #clock: Clock;
  #isWoken = false;
  #endWait: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isWaiting(): boolean {
    return this.#endWait !== undefined;
  }

  wake(): void {
    this.#isWoken = true;
    this.#endWait?.();
  }

  /** Forgets wake-ups so far, for a task that is about to look at everything anyway. */
  clear(): void {
    this.#isWoken = false;
  }

  /**
   * Returns true at the next wake-up, and false after `ms` milliseconds or when the signal aborts. Without a time and a
   * signal, a wait is one promise: an idle stream should cost little memory.
   */
  async wait(ms?: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.#isWoken && signal?.aborted !== true) {
      await (ms === undefined ? this.#untilWoken(signal) : this.#sleep(ms, signal));
    }
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return isWoken;
  }

  #untilWoken(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#endWait = undefined;
        signal?.removeEventListener("abort", end);
        resolve();
      };
      this.#endWait = end;
      signal?.addEventListener("abort", end, { once: true });
    });
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    const end = (): void => woken.abort(WOKEN);
    this.#endWait = end;
    signal?.addEventListener("abort", end, { once: true });
    try {
      // It rejects only because it was woken or aborted.
      await this.#clock.sleep(ms, woken.signal).catch(() => undefined);
    } finally {
      this.#endWait = undefined;
      signal?.removeEventListener("abort", end);
    }
  }
}
