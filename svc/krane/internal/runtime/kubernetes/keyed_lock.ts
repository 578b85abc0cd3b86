interface Queue {
  /** Settles when the last work that runs alone has ended. */
  alone: Promise<unknown>;
  /** The work that shares the key and came since. */
  shared: Promise<void>[];
  users: number;
}

/** Lets work of one key run alone, or side by side with other work that shares the key; both kinds go in order. */
export class KeyedLock {
  readonly #queues = new Map<string, Queue>();

  /** Runs `work` while nothing else of its key runs. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    return await this.#enter(key, work, (queue, done) => {
      const before = Promise.all([queue.alone, ...queue.shared]);
      [queue.alone, queue.shared] = [done, []];
      return before;
    });
  }

  /** Runs `work` beside other work that shares the key, and while none has it alone. */
  async share<T>(key: string, work: () => Promise<T>): Promise<T> {
    return await this.#enter(key, work, (queue, done) => {
      queue.shared.push(done);
      return queue.alone;
    });
  }

  async #enter<T>(
    key: string,
    work: () => Promise<T>,
    join: (queue: Queue, done: Promise<void>) => Promise<unknown>,
  ): Promise<T> {
    const queue = this.#queues.get(key) ?? { alone: Promise.resolve(), shared: [], users: 0 };
    this.#queues.set(key, queue);
    queue.users++;
    const mine = Promise.withResolvers<void>();
    await join(queue, mine.promise);
    try {
      return await work();
    } finally {
      mine.resolve();
      queue.shared = queue.shared.filter((each) => each !== mine.promise);
      if (--queue.users === 0) this.#queues.delete(key);
    }
  }
}
