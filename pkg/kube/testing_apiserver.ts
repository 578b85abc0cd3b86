/** A private apiserver for each test, with Secrets as the objects. */
import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { findApiserver, PrivateApiserver } from "../testkit/apiserver.ts";
import {
  AnyObject,
  applyObject,
  type Cluster,
  Informer,
  type KubeObject,
  loadAccess,
  type Manifest,
  openCluster,
  SECRETS,
} from "./mod.ts";

const LIMIT_MS = 180_000;
export const LABELS = { "app": "test" };

/** A test with an apiserver and a client of it; skipped where no apiserver is built. */
export function apiTest(
  name: string,
  test: (api: PrivateApiserver, cluster: Cluster) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: findApiserver() === undefined,
    fn: async () => {
      await using api = await PrivateApiserver.open();
      const cluster = openCluster(await loadAccess({ kubeconfig: api.kubeconfig }));
      try {
        await test(api, cluster);
      } finally {
        cluster.close();
      }
    },
  });
}

/** Of one call. */
export const signal = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);

export function secret(name: string, value: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "default", labels: LABELS },
    stringData: { value },
  };
}

export async function apply(cluster: Cluster, name: string, value: string): Promise<KubeObject> {
  const options = { fieldManager: "test", schema: AnyObject, signal: signal() };
  return await applyObject(cluster, SECRETS, secret(name, value), options);
}

export async function until(what: string, probe: () => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!probe()) {
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The informer of one test, with the names that it reported. */
export class Watching implements AsyncDisposable {
  readonly reported: string[] = [];
  readonly logs: string[] = [];
  readonly informer: Informer<KubeObject>;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(cluster: Cluster, idleMs?: number) {
    this.informer = new Informer({
      cluster,
      resource: SECRETS,
      selection: { labels: LABELS },
      schema: AnyObject,
      onChange: ({ metadata }) => this.reported.push(metadata.name),
      clock: systemClock(),
      log: createLogger({ service: "test", level: "debug", write: (line) => this.logs.push(line) }),
      ...(idleMs === undefined ? {} : { idleMs }),
    });
    this.#done = this.informer.run(this.#stop.signal);
  }

  names(): string[] {
    return [...this.informer.all()].map(({ metadata }) => metadata.name).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
