import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Pod } from "./objects.ts";
import { planMove } from "./plan.ts";
import { isFinished, isRunning, isTerminating } from "./status.ts";

export interface MovesOptions {
  readonly isDraining: (nodeName: string) => boolean;
  /** A move may take so long. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The present state of a move of a deployment's pods away from draining nodes. */
export interface MoveState {
  /** Pods to make beyond those that are wanted. */
  readonly surge: number;
  /** Others have taken their place. */
  readonly released: readonly Pod[];
  /** It took too long: evictions are no longer held up. */
  readonly isRelaxed: boolean;
  /** Milliseconds until the state changes without an event. */
  readonly againMs?: number;
}

interface Moving {
  readonly sinceMs: number;
  /** The pods that there were when a node began to drain; newer ones are in their place, wherever they run. */
  readonly uids: Map<string, ReadonlySet<string>>;
  isRelaxed: boolean;
}

/**
 * Moves pods away from nodes that drain: another pod runs before an app's only one goes. A cluster that has no room for it
 * holds a drain up for a limited time only.
 */
export class Moves {
  readonly #options: MovesOptions;
  readonly #moving = new Map<string, Moving>();

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  of({ name, replicas }: Pick<DesiredDeployment, "name" | "replicas">, pods: readonly Pod[]): MoveState {
    const { clock, log, waitMs } = this.#options;
    const draining = this.#drainingNodes(pods);
    if (draining.length === 0) {
      this.#moving.delete(name);
      return { surge: 0, released: [], isRelaxed: false };
    }
    const now = clock.now();
    const moving: Moving = this.#moving.get(name) ?? { sinceMs: now, uids: new Map(), isRelaxed: false };
    this.#moving.set(name, moving);
    for (const nodeName of draining) {
      if (moving.uids.has(nodeName)) continue;
      moving.uids.set(nodeName, new Set(pods.map(({ metadata }) => metadata.uid)));
      log.info("node drains", { node: nodeName, name });
    }
    const { released, surge } = planMove(
      replicas,
      pods.map((pod) => ({
        uid: pod.metadata.uid,
        running: isRunning(pod),
        finished: isFinished(pod),
        terminating: isTerminating(pod),
        leaving: moving.uids.get(pod.spec.nodeName)?.has(pod.metadata.uid) === true &&
          draining.includes(pod.spec.nodeName),
      })),
    );
    const leftMs = moving.sinceMs + waitMs - now;
    if (surge > 0 && leftMs <= 0 && !moving.isRelaxed) {
      moving.isRelaxed = true;
      log.warn("no other instance came to run in time: evictions are allowed", {
        name,
        nodes: draining.join(", "),
      });
    }
    if (moving.isRelaxed) return { surge: 0, released: [], isRelaxed: true };
    return {
      surge,
      released: pods.filter(({ metadata }) => released.includes(metadata.uid)),
      isRelaxed: false,
      ...(surge > 0 ? { againMs: leftMs } : {}),
    };
  }

  forget(name: string): void {
    this.#moving.delete(name);
  }

  #drainingNodes(pods: readonly Pod[]): string[] {
    const nodes = pods.filter((pod) => !isTerminating(pod) && !isFinished(pod)).map(({ spec }) =>
      spec.nodeName
    );
    return [...new Set(nodes)].filter((name) => name !== "" && this.#options.isDraining(name));
  }
}
