import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { AnyObject, applyObject, type Cluster, REPLICA_SETS } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { ANNOTATION } from "./labels.ts";
import type { ReplicaSet } from "./objects.ts";
import { podRefusal, type Refusal } from "./refusals.ts";

const TOUCH_MANAGER = "krane-retry";
const TOUCH_FIRST_MS = 4_000;
const TOUCH_MS_MAX = 30_000;
/** A quota counts a pod that is gone for some moments more. */
const ROOM_MS = 1_500;

interface Touch {
  readonly uid: string;
  readonly namespace: string;
  readonly dueMs: number;
  readonly waitMs: number;
}

/**
 * ReplicaSets whose pods the cluster refuses. Kubernetes tries them again ever less often, up to a quarter of an hour; a
 * change of the set makes it try at once, so that an app comes back soon after the cause is gone.
 */
export class RefusedSets {
  readonly #deps: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Logger };
  readonly #touches = new Map<string, Touch>();

  constructor(deps: { readonly cluster: Cluster; readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  /** The refusal of a set that lacks pods, and when to look at it again. */
  async of(
    set: ReplicaSet,
    signal: AbortSignal,
  ): Promise<{ readonly refusal: Refusal; readonly againMs: number } | undefined> {
    const { name, namespace, uid } = set.metadata;
    const condition = set.status.conditions.find((each) =>
      each.type === "ReplicaFailure" && each.status === "True"
    );
    if (condition === undefined) return void this.#touches.delete(name);
    const nowMs = this.#deps.clock.now();
    const known = this.#touches.get(name);
    let touch = known?.uid === uid
      ? known
      : { uid, namespace, dueMs: nowMs + TOUCH_FIRST_MS, waitMs: TOUCH_FIRST_MS };
    if (nowMs >= touch.dueMs) {
      await this.#touch(set, nowMs, signal);
      const waitMs = Math.min(TOUCH_MS_MAX, 2 * touch.waitMs);
      touch = { ...touch, dueMs: nowMs + waitMs, waitMs };
    }
    this.#touches.set(name, touch);
    return { refusal: podRefusal(condition.message), againMs: touch.dueMs - nowMs };
  }

  /** A pod of the namespace is gone: there may be room. Returns the deployments to look at again. */
  madeRoom(namespace: string): readonly string[] {
    const dueMs = this.#deps.clock.now() + ROOM_MS;
    const names: string[] = [];
    for (const [name, touch] of this.#touches) {
      if (touch.namespace !== namespace || touch.dueMs <= dueMs) continue;
      this.#touches.set(name, { ...touch, dueMs });
      names.push(name);
    }
    return names;
  }

  forget(name: string): void {
    this.#touches.delete(name);
  }

  async #touch({ metadata }: ReplicaSet, nowMs: number, signal: AbortSignal): Promise<void> {
    const { cluster, log } = this.#deps;
    const { name, namespace, uid } = metadata;
    const manifest = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      // Only this very set: another one of the name is not made by this.
      metadata: {
        name,
        namespace,
        uid,
        annotations: { [ANNOTATION.retriedAt]: new Date(nowMs).toISOString() },
      },
    };
    const options = { fieldManager: TOUCH_MANAGER, schema: AnyObject, signal };
    try {
      await applyObject(cluster, REPLICA_SETS, manifest, options);
    } catch (error) {
      signal.throwIfAborted();
      if (!isFault(error)) throw error;
      // Kubernetes tries by itself all the same.
      log.warn("refused set not touched", { set: name, error: describeError(error) });
    }
  }
}
