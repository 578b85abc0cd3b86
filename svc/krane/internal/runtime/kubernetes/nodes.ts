import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { type Cluster, Informer, NODES } from "../../../../../pkg/kube/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { isDraining, Node, platformOf } from "./node.ts";

export interface NodesOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Logger;
  readonly drainTaints: readonly string[];
  /** A node begins to drain, or ceases to. */
  readonly onDrain: (nodeName: string) => void;
}

/** The nodes of the cluster. Nothing waits for them: without the right to list nodes drains are not seen. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #informer: Informer<Node>;
  readonly #draining = new Set<string>();

  constructor(options: NodesOptions) {
    const { clock, cluster, log } = options;
    this.#options = options;
    this.#informer = new Informer({
      ...{ clock, cluster, log },
      resource: NODES,
      selection: { labels: {} },
      schema: Node,
      onChange: (node) => this.#changed(node),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#informer.run(signal);
  }

  isDraining(nodeName: string): boolean {
    return this.#draining.has(nodeName);
  }

  /** As in `linux/amd64`; `undefined` while it is not known. */
  platformOf(nodeName: string): string | undefined {
    const node = this.#informer.get({ namespace: "", name: nodeName });
    return node === undefined ? undefined : platformOf(node);
  }

  #changed({ metadata: { name } }: Node): void {
    const { drainTaints, onDrain } = this.#options;
    const known = this.#informer.get({ namespace: "", name });
    const isNow = known !== undefined && isDraining(known, drainTaints);
    if (isNow === this.#draining.has(name)) return;
    if (isNow) this.#draining.add(name);
    else this.#draining.delete(name);
    onDrain(name);
  }
}
