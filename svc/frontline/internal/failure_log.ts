import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { FailureReport } from "../../../pkg/proxy/mod.ts";

const WINDOW_MS = 10_000;
const LINES_MAX = 100;

/** One line per failed request, up to a limit: requests are free for strangers, and disks are not. */
export class FailureLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #sinceMs = -Infinity;
  #lines = 0;
  #leftOut = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  note(report: FailureReport): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#sinceMs >= WINDOW_MS) this.#begin(nowMs);
    if (++this.#lines > LINES_MAX) {
      this.#leftOut++;
      return;
    }
    const { kind, detail, id, status, method, host, upstream, cut, cause } = report;
    const fields = { request_id: id, code: kind, status, method, host, upstream, detail, cause, cut };
    if (status >= 500 || cut) this.#log.warn("request failed", fields);
    else this.#log.info("request refused", fields);
  }

  #begin(nowMs: number): void {
    if (this.#leftOut > 0) this.#log.warn("lines of failed requests left out", { count: this.#leftOut });
    this.#sinceMs = nowMs;
    this.#lines = 0;
    this.#leftOut = 0;
  }
}
