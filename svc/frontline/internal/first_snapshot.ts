import type { Clock } from "../../../pkg/clock/mod.ts";

/** A snapshot of ten thousand routes takes two seconds; a control plane that is away takes longer than clients wait. */
const WAIT_MS = 5_000;

/** Lets the requests that come right after the start of an edge wait for its routes. */
export class FirstSnapshot {
  readonly #clock: Clock;
  readonly #arrived = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  arrive(): void {
    this.#arrived.abort();
  }

  /** Resolves when the snapshot is there, or when it did not come in time. */
  async wait(): Promise<void> {
    const { signal } = this.#arrived;
    await this.#clock.sleep(WAIT_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
