/**
 * The life of a process: tasks that run until their signal aborts, and closers that run after the tasks have ended.
 *
 * ```ts
 * const runner = new Runner({ log, clock });
 * runner.defer("database", () => db.close());
 * runner.go("watch", (signal) => watch(db, signal));
 * await runner.wait(stop); // stop, drain, close newest first
 * ```
 *
 * @module
 */
import type { Clock } from "../clock/mod.ts";
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";

export interface RunnerOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** The longest time that the tasks together, and each closer, may take. Shorter than the pod's grace period. */
  readonly limitMs?: number;
}

const LIMIT_MS = 20_000;

/** Starts tasks, and ends them in the order stop, drain, close: a task never sees a closed resource. */
export class Runner {
  readonly #stop = new AbortController();
  readonly #tasks: Promise<void>[] = [];
  readonly #closers: { readonly name: string; readonly close: () => void | Promise<void> }[] = [];
  readonly #options: RunnerOptions;
  #failures: unknown[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Aborts when the process begins to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Starts a task that runs until `signal` aborts. If it fails before, everything stops. */
  go(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    this.#tasks.push(
      task(this.signal).catch((error: unknown) => {
        if (this.signal.aborted) return;
        this.#options.log.error("task failed", { task: name, error: describeError(error) });
        this.#failures.push(error);
        this.#stop.abort(new Error(`Task "${name}" failed`));
      }),
    );
  }

  /** Registers a closer. Closers run newest first, after all tasks have ended. */
  defer(name: string, close: () => void | Promise<void>): void {
    this.#closers.push({ name, close });
  }

  /** Blocks until `until` aborts or a task fails, then shuts down. Rejects with what went wrong. */
  async wait(until: AbortSignal): Promise<void> {
    const stopping = AbortSignal.any([until, this.signal]);
    if (!stopping.aborted) {
      await new Promise((resolve) => stopping.addEventListener("abort", resolve, { once: true }));
    }
    await this.shutdown();
  }

  /** Stops, drains and closes now. */
  async shutdown(): Promise<void> {
    if (!this.#stop.signal.aborted) this.#stop.abort(new Error("Shutting down"));
    await this.#within("tasks", Promise.all(this.#tasks).then(() => undefined));
    for (const { name, close } of this.#closers.toReversed()) {
      await this.#within(name, Promise.resolve().then(close));
    }
    const [first, ...rest] = this.#failures;
    this.#failures = [];
    if (first !== undefined && rest.length === 0) throw first;
    if (first !== undefined) throw new AggregateError([first, ...rest], "Cannot shut down cleanly");
  }

  async #within(name: string, work: Promise<void>): Promise<void> {
    const done = new AbortController();
    const limitMs = this.#options.limitMs ?? LIMIT_MS;
    const late = this.#options.clock.sleep(limitMs, done.signal).then(
      () => this.#failures.push(new Error(`Cannot close "${name}" within ${limitMs} ms`)),
      () => undefined,
    );
    try {
      await Promise.race([work, late]);
    } catch (error) {
      this.#options.log.error("close failed", { closer: name, error: describeError(error) });
      this.#failures.push(error);
    } finally {
      done.abort();
    }
  }
}
