import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Pod } from "./objects.ts";
import type { Refusal } from "./refusals.ts";
import { isRunning, isTerminating } from "./status.ts";

/** Of the time in which a pod that ends still serves; the rest is for the edges to leave it. */
const SERVED_PERCENT = 67;

/** A pod that ends, as it is reported while nothing else runs. */
export interface LastPod {
  /** As if it did not end. */
  readonly pod: Pod;
  /** Milliseconds until the edges must leave it. */
  readonly leftMs: number;
}

/**
 * The last pod of an app goes on serving for a while after its end was decided, by an eviction for instance. Until another
 * one runs it keeps its address for most of that time.
 */
export class LeavingPods {
  readonly #clock: Clock;
  readonly #servedMs: number;
  /** First seen as ending, by uid. */
  readonly #since = new Map<string, number>();

  constructor({ clock, drainMs }: { readonly clock: Clock; readonly drainMs: number }) {
    this.#clock = clock;
    this.#servedMs = drainMs * SERVED_PERCENT / 100;
  }

  /** Called for each change of a pod. */
  saw({ metadata }: Pod): void {
    if (metadata.deletionTimestamp === undefined || this.#since.has(metadata.uid)) return;
    this.#since.set(metadata.uid, this.#clock.now());
  }

  forget({ metadata }: Pod): void {
    this.#since.delete(metadata.uid);
  }

  /** The pod of an app's pods that may still be reported as running; `undefined` when another one runs. */
  lastOf(pods: readonly Pod[]): LastPod | undefined {
    if (pods.some(isRunning)) return undefined;
    for (const pod of pods.filter(isTerminating)) {
      const { deletionTimestamp: _, ...metadata } = pod.metadata;
      const alive = { ...pod, metadata };
      const leftMs = (this.#since.get(metadata.uid) ?? -Infinity) + this.#servedMs - this.#clock.now();
      if (leftMs > 0 && isRunning(alive)) return { pod: alive, leftMs };
    }
    return undefined;
  }
}

const SHOWN_MAX = 3;

/** Its name belongs to the set of before, whose pods have not ended. */
export function leavingRefusal(pods: readonly Pod[]): Refusal {
  const names = pods.slice(0, SHOWN_MAX).map(({ metadata, spec }) => `${metadata.name} on ${spec.nodeName}`);
  const what = names.length === 0 ? "" : ` (${names.join(", ")})`;
  return {
    reason: "leaving",
    message:
      `The app's instances of before have not ended yet${what}. It starts by itself when they have; if that ` +
      "takes minutes, the region's operator looks at them.",
  };
}
