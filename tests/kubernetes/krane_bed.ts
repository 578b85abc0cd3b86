/** An agent on the real cluster and a control plane whose streams are written by the test. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import {
  AnyObject,
  type Cluster,
  deleteObject,
  LEASES,
  listObjects,
  loadAccess,
  NAMESPACES,
  NETWORK_POLICIES,
  openCluster,
  PODS,
  REPLICA_SETS,
  type Resource,
  SECRETS,
} from "../../pkg/kube/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import { KRANE_FIELDS, type KraneConfig } from "../../svc/krane/config.ts";
import { type Apply, apply, type State } from "../../svc/krane/testing.ts";
import { FakePlane } from "../../svc/krane/testing_plane.ts";
import { LABEL, ownLabels } from "../../svc/krane/internal/runtime/kubernetes/labels.ts";
import { Pod, ReplicaSet } from "../../svc/krane/internal/runtime/kubernetes/objects.ts";
import { runKrane } from "../../svc/krane/run.ts";
import type { Cluster as TestCluster } from "../testbed/cluster.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, freePort } from "../testbed/wait.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

export const IMAGE = "busybox:stable";
export const REGION = "test.region";
const LIMIT_MS = 180_000;
const clock = systemClock();

/** An agent that runs as a process of its own. */
export interface AgentProcess extends AsyncDisposable {
  /** Kills it at some moment of the next `ms` milliseconds. */
  diesWithin(ms: number): Promise<void>;
}

/** Everything that one test needs, removed again whatever happens. */
export class KraneBed implements AsyncDisposable {
  readonly id = `test-${crypto.randomUUID()}`;
  readonly namespace = `t${crypto.randomUUID().slice(0, 8)}`;
  readonly plane: FakePlane;
  readonly stateDir = Deno.makeTempDirSync({ prefix: "krane-" });
  readonly logs: string[] = [];
  readonly cluster: Cluster;
  readonly #kubeconfig: string;
  #stops: (() => Promise<void>)[] = [];

  private constructor(kubeconfig: string, cluster: Cluster, plane: FakePlane) {
    this.plane = plane;
    this.#kubeconfig = kubeconfig;
    this.cluster = cluster;
  }

  static async open({ kubeconfig }: Pick<TestCluster, "kubeconfig">): Promise<KraneBed> {
    const cluster = openCluster(await loadAccess({ kubeconfig }));
    return new KraneBed(kubeconfig, cluster, await FakePlane.start());
  }

  get signal(): AbortSignal {
    return AbortSignal.timeout(LIMIT_MS);
  }

  name(): string {
    return `t${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  }

  config(changes: Readonly<Record<string, string>> = {}): KraneConfig {
    const values: Readonly<Record<string, string>> = { ...this.#env(), ...changes };
    return loadConfig(KRANE_FIELDS, {
      flags: new Map(),
      env: (name) => values[name],
      readFile: () => "",
    });
  }

  #env(): Record<string, string> {
    return {
      UNKEY_CONTROL_PLANE_URL: this.plane.url,
      UNKEY_CONTROL_PLANE_BEARER: "region_token",
      UNKEY_CONTROL_PLANE_ID: this.id,
      UNKEY_REGION: REGION,
      UNKEY_RUNTIME: "kubernetes",
      KUBECONFIG: this.#kubeconfig,
      UNKEY_KRANE_STATE_DIR: this.stateDir,
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: "0",
      UNKEY_KRANE_DRAIN_MS: "200",
      UNKEY_KRANE_STOP_GRACE_SECONDS: "2",
    };
  }

  /** Starts an agent and answers with its port and how to stop it. */
  async agent(
    changes: Readonly<Record<string, string>> = {},
  ): Promise<{ port: number; stop: () => Promise<void> }> {
    const controller = new AbortController();
    const ready = Promise.withResolvers<{ port: number }>();
    const log = createLogger({ service: "krane", level: "debug", write: (line) => this.logs.push(line) });
    const done = runKrane(this.config(changes), {
      log,
      clock,
      signal: controller.signal,
      onReady: ready.resolve,
    });
    const stop = async (): Promise<void> => {
      controller.abort();
      this.#stops = this.#stops.filter((each) => each !== stop);
      await done;
    };
    this.#stops.push(stop);
    done.catch(ready.reject);
    return { port: (await ready.promise).port, stop };
  }

  /** Starts an agent as a process of its own, which can be killed. */
  async process(kubeconfig: string): Promise<AgentProcess> {
    const port = freePort();
    const part = new Part({
      name: "krane",
      command: Deno.execPath(),
      args: ["run", "-A", "--quiet", MAIN, "krane"],
      env: () => ({ ...this.#env(), KUBECONFIG: kubeconfig, UNKEY_HTTP_PORT: String(port) }),
      logFile: `${this.stateDir}/krane.log`,
      // It is ready when the control plane answers, which is up to the test.
      ready: () => answersOk(`http://127.0.0.1:${port}/health/live`),
    });
    await part.start();
    return {
      async diesWithin(ms) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
        await part.kill("SIGKILL");
      },
      [Symbol.asyncDispose]: () => part.kill("SIGKILL"),
    };
  }

  /** A deployment of one small web server in this test's namespace, unless `changes` says otherwise. */
  apply(name: string, version: number, changes: Apply = {}): State {
    return apply(name, version, { k8sNamespace: this.namespace, image: IMAGE, ...changes });
  }

  async pods(name: string): Promise<Pod[]> {
    const selection = { namespace: this.namespace, labels: { [LABEL.name]: name } };
    return (await listObjects(this.cluster, PODS, selection, { schema: Pod, signal: this.signal })).items;
  }

  async sets(): Promise<ReplicaSet[]> {
    const selection = { namespace: this.namespace, labels: {} };
    return (await listObjects(this.cluster, REPLICA_SETS, selection, {
      schema: ReplicaSet,
      signal: this.signal,
    }))
      .items;
  }

  /** Number of objects in the namespace, for each kind that the agent makes. */
  async objects(): Promise<{ sets: number; secrets: number; policies: number }> {
    const count = async (resource: Resource): Promise<number> => {
      const selection = { namespace: this.namespace, labels: { [LABEL.managedBy]: "krane" } };
      return (await listObjects(this.cluster, resource, selection, {
        schema: AnyObject,
        signal: this.signal,
      })).items
        .length;
    };
    return {
      sets: await count(REPLICA_SETS),
      secrets: await count(SECRETS),
      policies: await count(NETWORK_POLICIES),
    };
  }

  async deletePod(name: string): Promise<void> {
    const ref = { namespace: this.namespace, name };
    await deleteObject(this.cluster, PODS, ref, { propagation: "Background", signal: this.signal });
  }

  /** Agents that were killed leave theirs. */
  async #removeLeases(): Promise<void> {
    const labels = ownLabels({ region: REGION, controlPlaneId: this.id });
    const leases = await listObjects(this.cluster, LEASES, { labels }, {
      schema: AnyObject,
      signal: this.signal,
    });
    for (const { metadata } of leases.items) {
      await deleteObject(this.cluster, LEASES, metadata, { propagation: "Background", signal: this.signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const stop of [...this.#stops]) await stop();
      await this.plane[Symbol.asyncDispose]();
      const { items } = await listObjects(this.cluster, NAMESPACES, { labels: {} }, {
        schema: AnyObject,
        signal: this.signal,
      });
      for (const { metadata } of items.filter((each) => each.metadata.name.startsWith(this.namespace))) {
        await deleteObject(this.cluster, NAMESPACES, metadata, {
          propagation: "Background",
          signal: this.signal,
        });
      }
      await this.#removeLeases();
    } finally {
      this.cluster.close();
      await Deno.remove(this.stateDir, { recursive: true });
    }
  }
}
