import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";

export interface IdleAbortOptions {
  readonly clock: Clock;
  /** The limit in milliseconds until the first reset, and after it unless the reset says another. */
  readonly idleMs: number;
  /** Aborts `IdleAbort.signal` as well, with its own reason. */
  readonly signal?: AbortSignal;
  /** The reason of an idle stream's abort; `deadline_exceeded` by default. */
  readonly error?: (idleMs: number) => unknown;
}

/** The limit is looked at so many times while it passes. */
const TICKS = 4;
/** Ends a timer. Without a reason, an abort makes an error with a stack. */
const STOPPED = Symbol("stopped");

/**
 * Aborts a stream on which nothing arrives for too long: open it with `signal`, and call `reset()` for each message.
 *
 * A reset allocates nothing and touches no timer, for streams with many messages. So an idle stream is aborted after the
 * limit, but no later than a quarter of it after that. The clock's time of day is not used: it may be set back.
 */
export class IdleAbort implements Disposable {
  readonly #options: IdleAbortOptions;
  readonly #abort = new AbortController();
  #timer = new AbortController();
  #idleMs: number;
  #idleTicks = 0;
  #isExpired = false;

  constructor(options: IdleAbortOptions) {
    this.#options = options;
    this.#idleMs = options.idleMs;
    const { signal } = options;
    if (signal?.aborted) {
      this.#abort.abort(signal.reason);
      return;
    }
    signal?.addEventListener("abort", this.#abortWithParent, { once: true });
    void this.#watch(this.#timer.signal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True if the stream was aborted because it was idle. */
  get isExpired(): boolean {
    return this.#isExpired;
  }

  /** Something arrived. `idleMs` is the limit from now on. */
  reset(idleMs: number = this.#idleMs): void {
    this.#idleTicks = 0;
    if (idleMs === this.#idleMs || this.#timer.signal.aborted) return;
    this.#idleMs = idleMs;
    this.#timer.abort(STOPPED);
    this.#timer = new AbortController();
    void this.#watch(this.#timer.signal);
  }

  /** Ends the timer; the signal does not abort any more. */
  [Symbol.dispose](): void {
    this.#options.signal?.removeEventListener("abort", this.#abortWithParent);
    this.#timer.abort(STOPPED);
  }

  readonly #abortWithParent = (): void => {
    this.#timer.abort(STOPPED);
    this.#abort.abort(this.#options.signal?.reason);
  };

  async #watch(stopped: AbortSignal): Promise<void> {
    const { clock, error = idle } = this.#options;
    // A reset falls between two ticks, so the first tick after it does not count as a whole one.
    while (this.#idleTicks <= TICKS) {
      await clock.sleep(this.#idleMs / TICKS, stopped).catch(() => undefined);
      if (stopped.aborted) return;
      this.#idleTicks++;
    }
    this.#isExpired = true;
    this[Symbol.dispose]();
    this.#abort.abort(error(this.#idleMs));
  }
}

function idle(idleMs: number): Fault {
  return new Fault("deadline_exceeded", `nothing arrived for ${idleMs} ms`);
}
