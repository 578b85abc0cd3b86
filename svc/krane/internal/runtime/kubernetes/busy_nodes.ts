import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Pod } from "./objects.ts";
import { isBeingStarted } from "./status.ts";

const STARTS_MIN = 6;
const RECOUNT_MS = 500;

/** Knows which nodes are starting many pods at once, so that what can wait leaves them their processors. */
export class BusyNodes {
  readonly #pods: () => Iterable<Pod>;
  readonly #clock: Clock;
  #busy: ReadonlySet<string> = new Set();
  #countedAt = -Infinity;

  constructor(pods: () => Iterable<Pod>, clock: Clock) {
    this.#pods = pods;
    this.#clock = clock;
  }

  /** As it was at most half a second ago. */
  has(nodeName: string): boolean {
    const now = this.#clock.now();
    if (Math.abs(now - this.#countedAt) >= RECOUNT_MS) {
      this.#countedAt = now;
      this.#busy = this.#count();
    }
    return this.#busy.has(nodeName);
  }

  #count(): ReadonlySet<string> {
    const starts = new Map<string, number>();
    for (const pod of this.#pods()) {
      const { nodeName } = pod.spec;
      if (isBeingStarted(pod)) starts.set(nodeName, (starts.get(nodeName) ?? 0) + 1);
    }
    return new Set([...starts].filter(([, count]) => count >= STARTS_MIN).map(([nodeName]) => nodeName));
  }
}
