/** The needs and sizes of one placement lately: an old need keeps instances, and a recent growth bounds the next one. */

interface Need {
  readonly atMs: number;
  readonly count: number;
}

/** After a pause as long as this, nothing is known of the time in between. */
const PAUSE_MS_MAX = 15_000;
/** Growth is bounded within so long, as that of the HorizontalPodAutoscaler. */
const GROWTH_MS = 15_000;

/** Bounded by the number of different counts, since of needs that are no larger than a later one nothing is kept. */
export class ScalingHistory {
  /** In the order of their times, each smaller than the one before. */
  readonly #needs: Need[] = [];
  /** In the order of their times, each larger than the one before. */
  readonly #sizes: Need[] = [];
  #seenAtMs = -Infinity;
  #seen = 0;

  /**
   * The number of instances now. The first look, each after a pause, and a number that has grown meanwhile count as a need for all
   * of them: a switch may have brought them, for requests that nothing has reported yet.
   */
  observe(current: number, nowMs: number): void {
    const isKnown = nowMs - this.#seenAtMs <= PAUSE_MS_MAX && current <= this.#seen;
    if (!isKnown) this.need(current, nowMs);
    this.#seenAtMs = nowMs;
    this.#seen = current;
    while ((this.#sizes.at(-1)?.count ?? -Infinity) >= current) this.#sizes.pop();
    this.#sizes.push({ atMs: nowMs, count: current });
    while ((this.#sizes[0]?.atMs ?? Infinity) <= nowMs - GROWTH_MS) this.#sizes.shift();
  }

  /** So many instances are needed now. */
  need(count: number, nowMs: number): void {
    while ((this.#needs.at(-1)?.count ?? Infinity) <= count) this.#needs.pop();
    this.#needs.push({ atMs: nowMs, count });
  }

  /** The largest need of the last `withinMs`. */
  largestNeed(withinMs: number, nowMs: number): number {
    while ((this.#needs[0]?.atMs ?? Infinity) <= nowMs - withinMs) this.#needs.shift();
    return this.#needs[0]?.count ?? 0;
  }

  /** The smallest number of instances of the last 15 s. */
  get smallestSize(): number {
    return this.#sizes[0]?.count ?? 0;
  }
}
