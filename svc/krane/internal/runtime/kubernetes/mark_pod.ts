import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { AnyObject, type Cluster, patchObject, PODS } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { ANNOTATION } from "./labels.ts";
import type { Pod } from "./objects.ts";

/** Below that of pods without a mark, which is 0. */
const COST = "-1000";

/** Marks pods: when their ReplicaSet shrinks, they go before the others that run. */
export class FirstToGo {
  readonly #cluster: Cluster;
  readonly #log: Logger;
  #isRefusalTold = false;

  constructor({ cluster, log }: { readonly cluster: Cluster; readonly log: Logger }) {
    this.#cluster = cluster;
    this.#log = log;
  }

  /** An agent whose role does not let it mark pods goes on: Kubernetes may choose another pod then. */
  async mark({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    if (metadata.annotations[ANNOTATION.deletionCost] === COST) return;
    const patch = { metadata: { uid: metadata.uid, annotations: { [ANNOTATION.deletionCost]: COST } } };
    try {
      await patchObject(this.#cluster, PODS, metadata, patch, { schema: AnyObject, signal });
    } catch (error) {
      if (isFault(error, "permission_denied")) this.#refused(error);
      // It has gone already.
      else if (!isFault(error, "not_found")) throw error;
    }
  }

  #refused(error: unknown): void {
    if (!this.#isRefusalTold) {
      this.#log.warn("pods cannot be marked: the agent's role lacks patch of pods", {
        error: describeError(error),
      });
    }
    this.#isRefusalTold = true;
  }
}
