import type { Clock } from "../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../pkg/fault/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";

export interface PartDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Runs a part until `signal` aborts; calls `ready` as soon as it does its work. */
export type RunPart = (signal: AbortSignal, ready: () => void) => Promise<void>;

const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;

/** One part of the platform inside this process. */
export class Part {
  readonly name: string;
  /** Rejects when the part ends without a stop; never resolves. */
  readonly failed: Promise<never>;
  readonly #deps: PartDeps;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(name: string, deps: PartDeps, run: RunPart, ready: () => void) {
    this.name = name;
    this.#deps = deps;
    const running = run(this.#stop.signal, ready);
    this.#ended = running.catch((error: unknown) => {
      deps.log.error("part ended", { part: name, error: describeError(error) });
    });
    this.failed = new Promise((_resolve, reject) => {
      running.then(
        () => !this.#stop.signal.aborted && reject(new Fault("internal", `${name} ended by itself`)),
        (error: unknown) => !this.#stop.signal.aborted && reject(error),
      );
    });
    this.failed.catch(() => undefined); // handled, also when no caller waits for it any more
  }

  /**
   * Starts a part and waits until it is ready.
   *
   * @throws the part's own error; `deadline_exceeded` when it is not ready in a minute. Then it has been stopped.
   */
  static async start(name: string, deps: PartDeps, signal: AbortSignal, run: RunPart): Promise<Part> {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const part = new Part(name, deps, run, resolve);
    const waited = new AbortController();
    const late = deps.clock.sleep(READY_MS_MAX, AbortSignal.any([signal, waited.signal])).then(() => {
      const text = `${name} was not ready within ${READY_MS_MAX / 1000} s. Its log says why.`;
      throw new Fault("deadline_exceeded", text, { publicMessage: text });
    });
    try {
      await Promise.race([ready, part.failed, late]);
      return part;
    } catch (error) {
      await part.stop();
      throw error;
    } finally {
      waited.abort();
      await late.catch(() => undefined); // the wait was given up, by us or by the signal
    }
  }

  /** Stops the part and waits until it has ended, at most half a minute. */
  async stop(): Promise<void> {
    if (!this.#stop.signal.aborted) this.#stop.abort(new Error(`${this.name} is stopped`));
    const done = new AbortController();
    const late = this.#deps.clock.sleep(STOP_MS_MAX, done.signal).then(
      () => this.#deps.log.error("part did not stop", { part: this.name, waited_ms: STOP_MS_MAX }),
      () => undefined, // it stopped in time
    );
    await Promise.race([this.#ended, late]);
    done.abort();
    await late;
  }
}
