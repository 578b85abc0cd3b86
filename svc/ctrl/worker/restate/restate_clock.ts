import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { askAt } from "../../../../pkg/unix_http/mod.ts";
import type { RestateAdmin } from "./admin.ts";

const MEASURE_EVERY_MS = 5_000;
const ANSWER_MS_MAX = 2_000;
/** An HTTP date is in whole seconds. */
const NOISE_MS = 2_000;

/**
 * The time of the Restate server, by the date of its answers. Its signatures are valid by its clock, and it ends waits by it, while the SDK
 * computes their ends by the clock of this machine.
 */
export class RestateClock {
  readonly #admin: RestateAdmin;
  readonly #local: Clock;
  readonly #log: Logger;
  #aheadMs = 0;

  /** `local` is the clock that the SDK reads, too. */
  constructor(admin: RestateAdmin, local: Clock, log: Logger) {
    this.#admin = admin;
    this.#local = local;
    this.#log = log;
  }

  now(): number {
    return this.#local.now() + this.#aheadMs;
  }

  /** The time by which Restate's clock is ahead of this machine's; 0 when it is less than can be measured. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Compares the clocks once; without an answer the last difference counts. */
  async measure(signal: AbortSignal): Promise<void> {
    const beforeMs = this.#local.now();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
    try {
      const { date } = await askAt(this.#admin.adminUrl, "/health", { signal: limit });
      const serverMs = Date.parse(date ?? "");
      if (Number.isNaN(serverMs)) return;
      const aheadMs = serverMs - Math.floor((beforeMs + this.#local.now()) / 2_000) * 1_000;
      if (Math.abs(aheadMs - this.#aheadMs) <= NOISE_MS) return;
      this.#aheadMs = Math.abs(aheadMs) <= NOISE_MS ? 0 : aheadMs;
      this.#log.warn("the clock of this machine is not Restate's", { restate_ahead_ms: aheadMs });
    } catch (error) {
      this.#log.debug("clocks not compared", { error: describeError(error) });
    }
  }

  /** Compares the clocks until `signal` aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.measure(signal);
      // The signal ends the wait and the loop.
      await this.#local.sleep(MEASURE_EVERY_MS, signal).catch(() => undefined);
    }
  }
}
