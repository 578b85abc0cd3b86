const WORK_MS_MAX = 25;

/** Lets timers and signals through during long synchronous work, which for many small files is the fastest kind. */
export class CooperativeYield {
  readonly #signal: AbortSignal;
  #sinceMs = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Returns at once until 25 ms have passed since the last pause. Rejects when the signal has aborted. */
  async pause(): Promise<void> {
    if (performance.now() - this.#sinceMs < WORK_MS_MAX) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#signal.throwIfAborted();
    this.#sinceMs = performance.now();
  }
}
