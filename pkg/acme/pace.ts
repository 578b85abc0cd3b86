import type { Clock } from "../clock/mod.ts";

/** The requests that an authority takes from one address. */
export interface RequestPace {
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

const SECOND_MS = 1_000;

/** Lets requests pass one after the other at a pace, in the order in which they came. */
export class Pace {
  readonly #pace: RequestPace;
  readonly #clock: Clock;
  /** Below 0: requests that wait. */
  #left: number;
  #atMs: number;

  constructor(pace: RequestPace, clock: Clock) {
    this.#pace = pace;
    this.#clock = clock;
    this.#left = pace.burst;
    this.#atMs = clock.now();
  }

  /** Waits for the turn of a request. */
  async turn(signal: AbortSignal): Promise<void> {
    const { perSecond, burst } = this.#pace;
    const nowMs = this.#clock.now();
    const grownMs = Math.max(0, nowMs - this.#atMs);
    this.#left = Math.min(burst, this.#left + grownMs * perSecond / SECOND_MS) - 1;
    this.#atMs = nowMs;
    if (this.#left < 0) await this.#clock.sleep(Math.ceil(-this.#left / perSecond * SECOND_MS), signal);
  }
}
