/** Deadlines of calls. */

interface Waiting {
  readonly untilMs: number;
  readonly expire: () => void;
}

/** The longest delay with which a deadline is noticed, in milliseconds. */
const LOOK_MS = 200;

/**
 * Ends what takes too long, with one timer for all that is under way and none without: most calls are over long before
 * their deadline, and a timer of its own costs each of them as much as its answer.
 */
export class Deadlines {
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Does `work`, or rejects with what `late` makes when it takes longer than `limitMs`. */
  async within<T>(limitMs: number, work: () => Promise<T>, late: () => Error): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const waiting = { untilMs: performance.now() + limitMs, expire: () => reject(late()) };
    this.#waiting.add(waiting);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    try {
      return await Promise.race([work(), promise]);
    } finally {
      this.#waiting.delete(waiting);
      if (this.#waiting.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  #look(): void {
    const nowMs = performance.now();
    for (const { untilMs, expire } of this.#waiting) if (untilMs <= nowMs) expire();
  }
}
