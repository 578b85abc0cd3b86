/** A lock whose waiters are served in order, each for a bounded time. */
import { Fault } from "../fault/mod.ts";

/** Gives the lock back. Calling it twice is harmless. */
export type Release = () => void;

/** At most `holdersMax` holders at once. */
export class Mutex {
  readonly #waiting: Set<() => void> = new Set();
  readonly #holdersMax: number;
  readonly #waitMsMax: number;
  #holders = 0;

  constructor(options: { readonly waitMsMax: number; readonly holdersMax?: number }) {
    this.#waitMsMax = options.waitMsMax;
    this.#holdersMax = options.holdersMax ?? 1;
  }

  /** Takes the lock if nobody has to wait for it. */
  tryAcquire(): Release | undefined {
    if (this.#holders >= this.#holdersMax) return undefined;
    this.#holders++;
    return this.#release();
  }

  /** Waits for its turn; `unavailable` when that takes too long. */
  async acquire(): Promise<Release> {
    const free = this.tryAcquire();
    if (free !== undefined) return free;
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(turn);
        reject(
          new Fault("unavailable", `no connection became free within ${this.#waitMsMax} ms`, {
            publicMessage: "The database is busy. Nothing was changed; try again in a few seconds.",
          }),
        );
      }, this.#waitMsMax);
      this.#waiting.add(turn);
    });
    return this.#release();
  }

  /** A holder that leaves hands its place over, so nobody can overtake who waits. */
  #release(): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#holders--;
        return;
      }
      this.#waiting.delete(next);
      next();
    };
  }
}
