import assert from "node:assert/strict";
import { plainCheck } from "../../svc/krane/internal/deployment/health_check.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { type ApiRequest, type Cluster } from "../../pkg/kube/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { Status, until } from "../../svc/krane/testing.ts";
import type { Limit } from "../../svc/krane/internal/control/controller.ts";
import type { DesiredDeployment } from "../../svc/krane/internal/deployment/desired.ts";
import { StartTimes } from "../../svc/krane/internal/deployment/start_times.ts";
import { KubernetesRuntime } from "../../svc/krane/internal/runtime/kubernetes/runtime.ts";
import { onCluster } from "../testbed/cluster.ts";
import { IMAGE, KraneBed } from "./krane_bed.ts";

const CALLS_MAX = 30;
const STARTS = 6;
/** Nothing else is removed at the time. */
const direct: Limit = (task) => task();

/** The cluster as an agent sees it that dies before its call number `left`. */
class DyingCluster implements Cluster {
  readonly server: string;
  left = Infinity;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.server = cluster.server;
  }

  async call(request: ApiRequest): Promise<Response> {
    // Watches and logs change nothing.
    const counted = request.streamed !== true && !request.path.endsWith("/log");
    if (counted && this.left-- <= 0) throw new Error("the agent is dead");
    return await this.#cluster.call(request);
  }

  close(): void {}
}

/** An agent's runtime without the agent, so that each of its calls can be its last. */
class Life implements AsyncDisposable {
  readonly cluster: DyingCluster;
  readonly runtime: KubernetesRuntime;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(bed: KraneBed) {
    this.cluster = new DyingCluster(bed.cluster);
    const config = bed.config();
    this.runtime = new KubernetesRuntime({
      cluster: this.cluster,
      settings: { ...config, controlPlaneId: bed.id, registry: undefined },
      clock: systemClock(),
      log: silentLogger(),
      times: new StartTimes(systemClock()),
      sink: { push: () => undefined, resumeFrom: () => undefined, forget: () => undefined },
    });
    this.#done = this.runtime.watch(() => undefined, this.#stop.signal);
  }

  /** Works with the first `calls` calls to the cluster; returns whether that was enough. */
  async survives(calls: number, work: (runtime: KubernetesRuntime) => Promise<unknown>): Promise<boolean> {
    this.cluster.left = calls;
    try {
      await work(this.runtime);
      // What the cluster does not take is an observation, too.
      return this.cluster.left >= 0;
    } catch (error) {
      assert.ok(this.cluster.left < 0, String(error));
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cluster.left = Infinity;
    this.#stop.abort();
    await this.#done;
  }
}

function desired(bed: KraneBed, name: string): DesiredDeployment {
  return {
    name,
    namespace: bed.namespace,
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: `env_${name}`,
    deploymentId: `d_${name}`,
    image: IMAGE,
    replicas: 1,
    cpuMillicores: 100,
    memoryMib: 32,
    pidsMax: 0,
    ephemeralStorageMib: 0,
    command: ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"],
    port: 3000,
    healthCheck: plainCheck(""),
    stopSignal: "",
    stopSeconds: 0,
    init: false,
    initAsked: false,
    reportsUsage: false,
    tasks: [],
    env: { KEY: "value" },
    buildId: "",
    commit: { sha: "", branch: "", authorHandle: "" },
    blobSha256: "",
  };
}

onCluster(
  "an agent may die before any of its calls: the next one finishes, and nothing is left or doubled",
  async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    const { signal } = new AbortController();
    await using next = new Life(bed);
    const listed = await next.runtime.reconcile(desired(bed, bed.name()), signal);
    assert.ok(listed);
    const names: string[] = [];
    for (let calls = 0, done = false; !done; calls++) {
      assert.ok(calls < CALLS_MAX, "placing ends");
      const name = bed.name();
      names.push(name);
      {
        await using life = new Life(bed);
        await life.runtime.managed(signal);
        done = await life.survives(calls, (runtime) => runtime.reconcile(desired(bed, name), signal));
      }
      await next.runtime.reconcile(desired(bed, name), signal);
    }
    assert.ok(names.length > 4, `${names.length - 1} calls were the last one`);
    const count = names.length + 1;
    assert.deepEqual(await bed.objects(), { sets: count, secrets: count, policies: count });
    assert.deepEqual((await bed.sets()).map((each) => each.spec.replicas), Array(count).fill(1));

    for (const [calls, name] of names.entries()) {
      {
        await using life = new Life(bed);
        await life.runtime.managed(signal);
        await life.survives(calls, (runtime) => runtime.remove(name, signal, direct));
      }
      // The next agent knows of it what the cluster tells, and begins with `recover`.
      await using life = new Life(bed);
      await life.runtime.recover(signal);
      const managed = await life.runtime.managed(signal);
      if (managed.some((each) => each.name === name)) await life.runtime.remove(name, signal, direct);
      assert.deepEqual(
        (await bed.sets()).filter((each) => each.metadata.name === name),
        [],
        `after ${calls} calls`,
      );
    }
    await until("all but one to be gone", async () => {
      const { sets, secrets, policies } = await bed.objects();
      return sets === 1 && secrets === 1 && policies === 1;
    });
  },
);

onCluster("an agent that is killed again and again ends with exactly the desired state", async (cluster) => {
  await using bed = await KraneBed.open(cluster);
  const { plane } = bed;
  const names = [bed.name(), bed.name(), bed.name()];
  const gone = bed.name();
  for (let life = 0; life < STARTS; life++) {
    const last = life === STARTS - 1;
    await using agent = await bed.process(cluster.kubeconfig);
    const version = life * 10 + 1;
    const states = names.map((name, index) =>
      bed.apply(name, version + index, { environmentVariables: { NAME: `life ${life}` }, replicas: index })
    );
    // One comes and goes with each life.
    if (life % 2 === 0 && !last) states.push(bed.apply(gone, version + 5));
    await plane.snapshot(life, version + 9, ...states);
    if (!last) await agent.diesWithin(life * 300);
    else await settles(bed, names, gone);
  }
});

async function settles(bed: KraneBed, names: readonly string[], gone: string): Promise<void> {
  for (const [replicas, name] of names.entries()) {
    const instances = await until(`${replicas} of ${name} with the newest variables`, async () => {
      const found = await bed.plane.settled(name, Status.RUNNING, replicas);
      const texts = await Promise.all(found.map(({ address }) => textOf(`http://${address}/`)));
      return texts.every((text) => text === `hello life ${STARTS - 1}\n`) && found;
    });
    await until(`no other pods of ${name}`, async () => {
      const pods = await bed.pods(name);
      return pods.map((each) => each.metadata.name).toSorted().join() ===
        instances.map((each) => each.k8sName).toSorted().join();
    });
  }
  await until("what is not wanted to be gone", async () => (await bed.pods(gone)).length === 0);
  assert.equal((await bed.sets()).length, names.length);
}

async function textOf(url: string): Promise<string> {
  return await fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    (response) => response.text(),
    () => "",
  );
}
