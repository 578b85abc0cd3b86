import type { Clock } from "../../../../pkg/clock/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";

const PER_MINUTE_MAX = 30;
const MINUTE_MS = 60_000;

/**
 * Bounds wrong codes of all callers of this process together: an address costs an attacker little. Within the ten minutes
 * that a code lives, 300 of 10^12 codes can be tried, with n api processes n times as many.
 */
export class GuessLimit {
  readonly #clock: Clock;
  #sinceMs = 0;
  #wrong = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws `rate_limited` when this minute's wrong codes are used up, also for a right one */
  check(): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#sinceMs >= MINUTE_MS) {
      this.#sinceMs = nowMs;
      this.#wrong = 0;
    }
    if (this.#wrong < PER_MINUTE_MAX) return;
    throw publicFault("rate_limited", "There were too many wrong codes. Try again in a minute.");
  }

  wrong(): void {
    this.#wrong++;
  }
}
