import type { Clock } from "../clock/mod.ts";
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { databaseNow } from "./now.ts";
import type { Database } from "./open.ts";

const MEASURE_EVERY_MS = 5_000;
/** Of a measurement that took longer, only the beginning and the end are known. */
const ROUND_TRIP_MS_MAX = 1_000;
/** Differences that networks make; a clock that followed them would jump back and forth. */
const NOISE_MS = 100;
/** A difference that an operator should hear of. */
const TOLD_MS = 2_000;

/**
 * The database's time, in a process whose own clock may be wrong: all processes of a control plane that use it agree on what is
 * over and who is alive, whatever their machines say. It follows steps of either clock within seconds.
 */
export class DatabaseClock implements Clock {
  readonly #local: Clock;
  readonly #log: Logger;
  #aheadMs = 0;
  #toldMs = 0;

  constructor(local: Clock, log: Logger) {
    this.#local = local;
    this.#log = log;
  }

  now(): number {
    return this.#local.now() + this.#aheadMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#local.sleep(ms, signal);
  }

  /** Compares the clocks once. */
  async measure<S>(db: Database<S>): Promise<void> {
    const beforeMs = this.#local.now();
    const databaseMs = await databaseNow(db.kysely);
    const tookMs = this.#local.now() - beforeMs;
    if (tookMs < 0 || tookMs > ROUND_TRIP_MS_MAX) return;
    const aheadMs = Math.round(databaseMs - beforeMs - tookMs / 2);
    if (Math.abs(aheadMs - this.#aheadMs) <= NOISE_MS + tookMs) return;
    this.#aheadMs = aheadMs;
    if (Math.abs(aheadMs - this.#toldMs) < TOLD_MS) return;
    this.#toldMs = aheadMs;
    this.#log.warn("the clock of this machine is not the database's, whose time is used", {
      database_ahead_ms: aheadMs,
    });
  }

  /** Compares the clocks until `signal` aborts. While the database does not answer, the last difference counts. */
  async follow<S>(db: Database<S>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // The signal ends the wait and the loop.
      await this.#local.sleep(MEASURE_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.measure(db).catch((error: unknown) => {
        this.#log.debug("clocks not compared", { error: describeError(error) });
      });
    }
  }
}
