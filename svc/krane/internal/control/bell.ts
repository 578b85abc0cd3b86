import type { Clock } from "../../../../pkg/clock/mod.ts";

/** Why a wait ends early. Without a reason, an abort makes an error with a stack, which costs more than all the rest. */
const WOKEN = Symbol("woken");

/** Lets one task wait until somebody rings, or a time has passed. A ring before the wait is not lost. */
export class Bell {
  #rung = false;
  #wake: () => void = () => undefined;

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Forgets rings so far, for a task that is about to look at everything anyway. */
  clear(): void {
    this.#rung = false;
  }

  /** Returns at the next ring, after `ms` milliseconds, or when the signal aborts. */
  async wait(clock: Clock, ms: number | undefined, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort(WOKEN);
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    try {
      if (this.#rung || signal.aborted) return;
      if (ms !== undefined) await clock.sleep(ms, woken.signal).catch(() => undefined);
      else {await new Promise<void>((resolve) =>
          woken.signal.addEventListener("abort", () => resolve(), { once: true })
        );}
    } finally {
      this.#rung = false;
      this.#wake = () => undefined;
      signal.removeEventListener("abort", wake);
    }
  }
}

/** Bounds how much runs at a time; waiters go in order. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
