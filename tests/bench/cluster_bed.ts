/** One krane process on the cluster, and what the apiserver and the database tell of it, each with the time it came. */
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import {
  type Cluster as Client,
  Informer,
  type KubeObject,
  loadAccess,
  openCluster,
  PODS,
  REPLICA_SETS,
  type Selection,
} from "../../pkg/kube/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { Pod, ReplicaSet } from "../../svc/krane/internal/runtime/kubernetes/objects.ts";
import { type Cluster, kubectl } from "../testbed/cluster.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const GONE_MS_MAX = 180_000;
const clock = systemClock();

/** Milliseconds since the epoch, in fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** When ReplicaSets were first seen, and when their pods were first seen ready, by the name of the set. */
export class Seen implements AsyncDisposable {
  readonly sets = new Map<string, number>();
  readonly ready = new Map<string, number>();
  readonly #client: Client;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  private constructor(client: Client, selection: Selection) {
    this.#client = client;
    const options = { cluster: client, selection, clock, log: silentLogger() };
    const sets = new Informer<KubeObject>({
      ...options,
      resource: REPLICA_SETS,
      schema: ReplicaSet,
      onChange: ({ metadata }) => note(this.sets, metadata.name),
    });
    const pods = new Informer<Pod>({
      ...options,
      resource: PODS,
      schema: Pod,
      onChange: (pod) => {
        const owner = pod.metadata.ownerReferences[0]?.name;
        const ready = pod.status.conditions.some(({ type, status }) => type === "Ready" && status === "True");
        if (ready && owner !== undefined) note(this.ready, owner);
      },
    });
    this.#done = Promise.all([sets, pods].map((each) => each.run(this.#stop.signal)));
    this.listed = Promise.all([sets.listed, pods.listed]);
  }

  /** Resolves when nothing is missed any more. */
  readonly listed: Promise<unknown>;

  /** Looks at one namespace, which need not exist yet. */
  static async of({ kubeconfig }: Cluster, namespace: string): Promise<Seen> {
    const seen = new Seen(openCluster(await loadAccess({ kubeconfig })), { namespace, labels: {} });
    await seen.listed;
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#client.close();
  }
}

/** The first time counts. */
export function note(times: Map<string, number>, name: string): void {
  if (!times.has(name)) times.set(name, nowMs());
}

/** A krane process of its own. Disposing of it leaves what it made: `removeNamespace` takes that away. */
export class KraneProcess implements AsyncDisposable {
  readonly #part: Part;
  readonly #directory: string;

  private constructor(part: Part, directory: string) {
    this.#part = part;
    this.#directory = directory;
  }

  /** Starts it; it is connected to the control plane when this returns. */
  static async start(cluster: Cluster, env: Readonly<Record<string, string>>): Promise<KraneProcess> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-bench-krane-" });
    const port = freePort();
    const part = new Part({
      name: "krane",
      command: Deno.execPath(),
      args: ["run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, MAIN, "krane"],
      env: () => ({
        UNKEY_RUNTIME: "kubernetes",
        KUBECONFIG: cluster.kubeconfig,
        UNKEY_HTTP_HOST: "127.0.0.1",
        UNKEY_HTTP_PORT: String(port),
        UNKEY_KRANE_STATE_DIR: `${directory}/state`,
        UNKEY_KRANE_DRAIN_MS: "0",
        UNKEY_KRANE_STOP_GRACE_SECONDS: "1",
        UNKEY_LOG_LEVEL: "warn",
        ...env,
      }),
      logFile: `${directory}/krane.log`,
      ready: () => answersOk(`http://127.0.0.1:${port}/health/ready`),
    });
    const krane = new KraneProcess(part, directory);
    try {
      await part.start();
      return krane;
    } catch (error) {
      await krane[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#part.pid;
  }

  logTail(): Promise<string> {
    return this.#part.logTail();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#part.kill("SIGTERM");
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Deletes a namespace and waits until all of it is gone, so that its end does not disturb what is measured next. */
export async function removeNamespace(cluster: Cluster, name: string): Promise<void> {
  await kubectl(cluster, ["delete", "namespace", name, "--ignore-not-found", "--wait=false"]);
  await eventually(`the namespace ${name} to be gone`, async () => {
    return await kubectl(cluster, ["get", "namespace", name, "--ignore-not-found", "-o", "name"]) === "";
  }, { deadlineMs: GONE_MS_MAX, everyMs: 500 });
}
