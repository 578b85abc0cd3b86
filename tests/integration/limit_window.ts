import type { AcmeLimit } from "../../svc/ctrl/internal/store/mod.ts";

/** The times of events by key, as far as a limit counts them. */
export class Window {
  readonly #limit: AcmeLimit;
  readonly #now: () => number;
  readonly #times = new Map<string, number[]>();

  constructor(limit: AcmeLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  isFull(key: string): boolean {
    const sinceMs = this.#now() - this.#limit.windowMs;
    const young = (this.#times.get(key) ?? []).filter((each) => each > sinceMs);
    this.#times.set(key, young);
    return young.length >= this.#limit.max;
  }

  add(key: string): undefined {
    const times = this.#times.get(key) ?? [];
    this.#times.set(key, times);
    times.push(this.#now());
  }
}
