import type { Instance } from "./route_table.ts";

/** After a failed dial, an instance gets no requests for so long, unless there is no other; twice as long each time. */
const EJECTED_FIRST_MS = 3_000;
const EJECTED_MS_MAX = 60_000;
const EJECTIONS_MAX = 10_000;

export interface BalancerOptions {
  /** Its instances are preferred while one can be dialed. */
  readonly region: string;
  /** Running requests of an instance. */
  readonly load: (key: string) => number;
  /** The region's agents are away, and its instances perhaps with them: others are preferred. */
  readonly isDown: (region: string) => boolean;
  readonly nowMs: () => number;
}

interface Ejection {
  untilMs: number;
  /** Failed attempts without a successful one in between. */
  failures: number;
  /** A request tries it just now. */
  isTried: boolean;
}

/**
 * Chooses an instance: of this region first, then of regions whose agents are there, the less loaded of two picked at random,
 * without a recent failed dial.
 */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #ejections = new Map<string, Ejection>();
  #seed = 1;

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  /** An instance that is not in `tried`; an ejected instance when all are ejected. */
  choose(instances: readonly Instance[], tried: ReadonlySet<string>): Instance | undefined {
    const [only] = instances;
    if (instances.length === 1 && only !== undefined) return tried.has(only.key) ? undefined : only;
    const untried = tried.size === 0 ? instances : instances.filter((each) => !tried.has(each.key));
    if (this.#ejections.size === 0) return this.#lessLoaded(this.preferred(untried));
    const healthy = untried.filter((each) => !this.#isEjected(each.key));
    const chosen = this.#lessLoaded(this.preferred(healthy.length > 0 ? healthy : untried));
    const ejection = chosen && this.#ejections.get(chosen.key);
    // One request tries whether it is back; others do not until that is known.
    if (ejection !== undefined && healthy.length > 0) {
      ejection.untilMs = this.#options.nowMs() + EJECTED_FIRST_MS;
      ejection.isTried = true;
    }
    return chosen;
  }

  /** Records the result of a dial. */
  dialed(key: string, ok: boolean): void {
    if (ok) {
      if (this.#ejections.size > 0) this.#ejections.delete(key);
      return;
    }
    const known = this.#ejections.get(key);
    const nowMs = this.#options.nowMs();
    // Dials that ran side by side and failed together are one failure.
    if (known !== undefined && !known.isTried && known.untilMs > nowMs) return;
    const failures = known?.failures ?? 0;
    const ejectedMs = Math.min(EJECTED_MS_MAX, EJECTED_FIRST_MS * 2 ** failures);
    if (this.#ejections.size >= EJECTIONS_MAX) this.#ejections.clear();
    this.#ejections.set(key, { untilMs: nowMs + ejectedMs, failures: failures + 1, isTried: false });
  }

  /** Forgets an instance that takes no requests any more. */
  forget(key: string): void {
    this.#ejections.delete(key);
  }

  /** Those that get the requests while one of them can be dialed. */
  preferred(instances: readonly Instance[]): readonly Instance[] {
    const { region, isDown } = this.#options;
    // Instances beside this edge are reached whether or not their agent is there.
    const near = instances.filter((each) => each.region === region);
    if (near.length > 0) return near;
    const up = instances.filter((each) => !isDown(each.region));
    return up.length > 0 ? up : instances;
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
    const ejection = this.#ejections.get(key);
    return ejection !== undefined && ejection.untilMs > this.#options.nowMs();
  }
}
