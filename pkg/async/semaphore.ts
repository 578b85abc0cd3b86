import { Fault } from "../fault/mod.ts";

export interface SemaphoreOptions {
  /** Permits in all. */
  readonly permits: number;
  /** A longer queue is refused with `unavailable`. */
  readonly queueMax?: number;
}

/** One of a semaphore's permits. Releasing it twice is harmless. */
export interface Permit extends Disposable {
  release(): void;
}

const QUEUE_MAX = 100_000;

/** Bounds how many tasks run at a time. Waiters get their permits in the order in which they asked. */
export class Semaphore {
  readonly #queue = new Set<() => void>();
  readonly #queueMax: number;
  readonly #permits: number;
  #free: number;

  constructor({ permits, queueMax = QUEUE_MAX }: SemaphoreOptions) {
    this.#permits = permits;
    this.#free = permits;
    this.#queueMax = queueMax;
  }

  /** Tasks that have a permit. */
  get running(): number {
    return this.#permits - this.#free;
  }

  /** Tasks that wait for a permit. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Takes a permit unless it would have to wait. */
  tryAcquire(): Permit | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return new HeldPermit(this.#handOver);
  }

  /**
   * Waits for a permit.
   *
   * @throws `unavailable` when the queue is full; the signal's reason when it aborts before there is a permit
   */
  async acquire(signal?: AbortSignal): Promise<Permit> {
    signal?.throwIfAborted();
    const free = this.tryAcquire();
    if (free !== undefined) return free;
    if (this.#queue.size >= this.#queueMax) {
      throw new Fault("unavailable", `${this.#queueMax} tasks wait for a permit already`);
    }
    await new Promise<void>((resolve, reject) => {
      const grant = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#queue.delete(grant);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#queue.add(grant);
    });
    return new HeldPermit(this.#handOver);
  }

  /** Runs `work` with a permit. With a free permit it begins at once, before this call returns. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    using _permit = this.tryAcquire() ?? await this.acquire(signal);
    return await work();
  }

  /** A released permit goes to the longest waiter directly, so that a later `tryAcquire` cannot overtake it. */
  readonly #handOver = (): void => {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#queue.delete(next);
    next();
  };
}

class HeldPermit implements Permit {
  #release: (() => void) | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
