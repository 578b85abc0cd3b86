import type { Clock } from "../../../pkg/clock/mod.ts";
import { ping } from "../../../pkg/db/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { type CtrlDatabase, probeWrite } from "./store/mod.ts";

export interface ReadinessOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** The part of the control plane that asks. */
  readonly part: "api" | "worker";
}

const ANSWER_MS_MAX = 2_000;
/** Any stranger may ask; the database is asked once in this time. */
const KEPT_MS = 1_000;

/** True while the database takes writes: one that only reads, as on a full disk, cannot do the work. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #last: { readonly answer: Promise<boolean>; readonly atMs: number } | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  isReady(): Promise<boolean> {
    const nowMs = this.#options.clock.now();
    if (this.#last === undefined || Math.abs(nowMs - this.#last.atMs) >= KEPT_MS) {
      this.#last = { answer: this.#ask(nowMs), atMs: nowMs };
    }
    return this.#last.answer;
  }

  async #ask(nowMs: number): Promise<boolean> {
    const { db, log, part } = this.#options;
    try {
      await ping(db, AbortSignal.timeout(ANSWER_MS_MAX), () => probeWrite(db.kysely, part, nowMs));
      return true;
    } catch (error) {
      log.warn("database takes no writes", { error: describeError(error) });
      return false;
    }
  }
}
