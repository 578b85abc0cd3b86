import type { Outgoing } from "./node_http.ts";

/**
 * Cuts responses whose clients have stopped reading. What such a client has not taken stays in memory, so it must not stay
 * for ever. One timer for all responses, and none without.
 */
export class StallGuard {
  readonly #stallMs: number;
  /** Since when a client has something to take and does not; `undefined`: it takes what there is. */
  readonly #responses = new Map<Outgoing, number | undefined>();
  readonly #taken: (this: Outgoing) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param stallMs how long a client may read nothing although there is something to read */
  constructor(stallMs: number) {
    const responses = this.#responses;
    this.#stallMs = stallMs;
    // One listener for all of them, which finds its response as `this`.
    this.#taken = function () {
      responses.set(this, undefined);
    };
  }

  add(response: Outgoing): void {
    this.#responses.set(response, undefined);
    response.on("drain", this.#taken);
    this.#timer ??= setInterval(() => this.#look(), this.#stallMs / 4);
  }

  remove(response: Outgoing): void {
    this.#responses.delete(response);
    response.off("drain", this.#taken);
    if (this.#responses.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = performance.now();
    for (const [response, sinceMs] of [...this.#responses]) {
      if (!response.writableNeedDrain) this.#responses.set(response, undefined);
      else if (sinceMs === undefined) this.#responses.set(response, nowMs);
      else if (nowMs - sinceMs >= this.#stallMs) response.destroy();
    }
  }
}
