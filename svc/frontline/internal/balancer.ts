import type { Instance } from "./route_table.ts";

/** After a failed dial, an instance gets no requests for so long, unless there is no other. */
const EJECTED_MS = 3_000;
const EJECTIONS_MAX = 10_000;

export interface BalancerOptions {
  /** Its instances are preferred while one can be dialed. */
  readonly region: string;
  /** Running requests of an instance. */
  readonly load: (key: string) => number;
  readonly nowMs: () => number;
}

/** Chooses an instance: of this region first, the less loaded of two picked at random, without a recent failed dial. */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #ejectedUntilMs = new Map<string, number>();
  #seed = 1;

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  /** An instance that is not in `tried`; an ejected instance when all are ejected. */
  choose(instances: readonly Instance[], tried: ReadonlySet<string>): Instance | undefined {
    const [only] = instances;
    if (instances.length === 1 && only !== undefined) return tried.has(only.key) ? undefined : only;
    const untried = tried.size === 0 ? instances : instances.filter((each) => !tried.has(each.key));
    const healthy = this.#ejectedUntilMs.size === 0
      ? untried
      : untried.filter((each) => !this.#isEjected(each.key));
    const usable = healthy.length > 0 ? healthy : untried;
    const near = usable.filter((each) => each.region === this.#options.region);
    return this.#lessLoaded(near.length > 0 ? near : usable);
  }

  /** Records the result of a dial. */
  dialed(key: string, ok: boolean): void {
    if (ok) {
      if (this.#ejectedUntilMs.size > 0) this.#ejectedUntilMs.delete(key);
      return;
    }
    if (this.#ejectedUntilMs.size >= EJECTIONS_MAX) this.#ejectedUntilMs.clear();
    this.#ejectedUntilMs.set(key, this.#options.nowMs() + EJECTED_MS);
  }

  #lessLoaded(instances: readonly Instance[]): Instance | undefined {
    if (instances.length <= 1) return instances[0];
    const first = this.#pick(instances.length);
    const second = (first + 1 + this.#pick(instances.length - 1)) % instances.length;
    const [a, b] = [instances[first], instances[second]];
    if (a === undefined || b === undefined) return a ?? b;
    return this.#options.load(b.key) < this.#options.load(a.key) ? b : a;
  }

  /** A number below `below`. A linear congruential generator is enough for an even spread. */
  #pick(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * below);
  }

  #isEjected(key: string): boolean {
    const untilMs = this.#ejectedUntilMs.get(key);
    if (untilMs === undefined) return false;
    if (untilMs > this.#options.nowMs()) return true;
    this.#ejectedUntilMs.delete(key);
    return false;
  }
}
