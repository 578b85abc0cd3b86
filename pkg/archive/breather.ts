const WORK_MS_MAX = 25;

/** Lets timers and signals through during long synchronous work, which for many small files is the fastest kind. */
export class Breather {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Returns at once most times. Rejects when the signal has aborted. */
  async rest(): Promise<void> {
    if (performance.now() - this.#since < WORK_MS_MAX) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}
