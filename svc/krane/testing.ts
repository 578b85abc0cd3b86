/** An agent against the real Docker Engine and a control plane whose streams are written by the test. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  type AcknowledgeRequest,
  type ApplyDeploymentSchema,
  ClusterService,
  type DeploymentStateSchema,
  type ReportDeploymentStatusRequest,
  type ReportDeploymentStatusRequest_Update_Instance as Instance,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type ShippedLogLine,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig, Secret } from "../../pkg/config/mod.ts";
import {
  type Container,
  type Engine,
  HOST_DEFAULT,
  inspectContainer,
  listContainers,
  openEngine,
  removeContainer,
} from "../../pkg/docker/mod.ts";
import { createLogger, silentLogger } from "../../pkg/logger/mod.ts";
import { serveRpc } from "../../pkg/rpc/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import type { KraneConfig } from "./config.ts";
import { SentinelFeed } from "./testing_sentinel.ts";
import { KUBERNETES_FIELDS } from "./config_kubernetes.ts";
import { runKrane } from "./run.ts";

export const NO_ENGINE = !await engineAnswers();
export { Status };
export const REGION = "test.region";
const LIMIT_MS = 180_000;
const HEARTBEAT_MS = 5_000;
const clock = systemClock();

export type State = MessageInitShape<typeof DeploymentStateSchema>;
export type Apply = MessageInitShape<typeof ApplyDeploymentSchema>;

/** Waits for a condition; the deadline is generous because machines are slow. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One open stream: what the test sends on it. */
export interface Script {
  readonly versionLastSeen: number;
  send(...states: State[]): void;
  end(): void;
}

/** A control plane that says what the test says and remembers what it hears. */
export class FakePlane implements AsyncDisposable {
  readonly streams: Script[] = [];
  readonly reports: ReportDeploymentStatusRequest[] = [];
  readonly acknowledgements: AcknowledgeRequest[] = [];
  readonly lines: ShippedLogLine[] = [];
  /** Only agents whose runtime has sentinels listen to it. */
  readonly sentinels = new SentinelFeed();
  /** While set, calls other than the stream are refused. */
  broken = false;
  #port = 0;
  #stop = (): Promise<void> => Promise.resolve();

  private constructor() {}

  /** Starts one that listens. */
  static async start(port = 0): Promise<FakePlane> {
    const plane = new FakePlane();
    await plane.#listen(port);
    return plane;
  }

  async #listen(port: number): Promise<void> {
    const server = await serveRpc({
      hostname: "127.0.0.1",
      port,
      portSetting: "-",
      log: silentLogger(),
      clock,
      limits: { drainMsMax: 1_000 },
      mount: (router) =>
        router.service(ClusterService, {
          watchDeployments: (request, context) =>
            this.#stream(Number(request.versionLastSeen), context.signal),
          watchSentinels: (_request, context) => this.sentinels.stream(context.signal),
          reportSentinelStatus: (request) => this.#hear(() => this.sentinels.reports.push(request)),
          reportDeploymentStatus: (request) => this.#hear(() => this.reports.push(request)),
          acknowledge: (request) => this.#hear(() => this.acknowledgements.push(request)),
          reportInstanceLogs: (request) => this.#hear(() => this.lines.push(...request.lines)),
        }),
    });
    this.#port = server.port;
    this.#stop = () => server.shutdown();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The n-th stream that the agent opens, from 0. */
  async stream(index: number): Promise<Script> {
    return await until(`stream ${index}`, () => this.streams[index]);
  }

  /** Opens with a snapshot of `states` at `version`. */
  async snapshot(index: number, version: number, ...states: State[]): Promise<Script> {
    const stream = await this.stream(index);
    stream.send(...states, snapshotEnd(version, states.length));
    return stream;
  }

  /** The newest report about a deployment that was taken: generations decide. */
  latest(name: string): ReportDeploymentStatusRequest["change"] | undefined {
    const own = this.reports.filter((each) => each.change.value?.k8sName === name);
    return own.toSorted((a, b) =>
      Number((b.change.value?.generation ?? 0n) - (a.change.value?.generation ?? 0n))
    )[0]
      ?.change;
  }

  /** The newest reported instances of a deployment; none when it was reported gone. */
  instances(name: string): readonly Instance[] {
    const change = this.latest(name);
    return change?.case === "update" ? change.value.instances : [];
  }

  /** Waits until all of `count` instances have `status`, and returns them. */
  async settled(name: string, status: Status, count = 1): Promise<readonly Instance[]> {
    return await until(`${count} instances of ${name} to be ${Status[status]}`, () => {
      const instances = this.instances(name);
      return instances.length === count && instances.every((each) => each.status === status) && instances;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.streams) stream.end();
    await this.#stop();
  }

  /** Waits for `wake`; returns whether it took so long that the agent must hear something. */
  async #silence(wake: (resolve: () => void) => void): Promise<boolean> {
    const quiet = Promise.withResolvers<boolean>();
    wake(() => quiet.resolve(false));
    const timer = setTimeout(() => quiet.resolve(true), HEARTBEAT_MS);
    try {
      return await quiet.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(take: () => void): Record<string, never> {
    if (this.broken) throw new Error("broken by the test");
    take();
    return {};
  }

  async *#stream(versionLastSeen: number, signal: AbortSignal): AsyncGenerator<State> {
    const queue: (State | "end")[] = [];
    let wake = (): void => undefined;
    const put = (...items: (State | "end")[]): void => {
      queue.push(...items);
      wake();
      for (const item of items) if (item !== "end") this.sentinels.reached(Number(item.version ?? 0n));
    };
    this.streams.push({ versionLastSeen, send: put, end: () => put("end") });
    signal.addEventListener("abort", () => put("end"), { once: true });
    while (true) {
      const next = queue.shift();
      if (next === "end") return;
      if (next !== undefined) yield next;
      else if (await this.#silence((resolve) => wake = resolve)) yield heartbeat(0);
    }
  }
}

export function snapshotEnd(version: number, resources: number): State {
  return { version: BigInt(version), state: { case: "snapshotEnd", value: { resources } } };
}

export function heartbeat(version: number): State {
  return { version: BigInt(version), state: { case: "heartbeat", value: {} } };
}

export function remove(name: string, version: number): State {
  return {
    version: BigInt(version),
    state: { case: "delete", value: { k8sNamespace: "ns", k8sName: name } },
  };
}

/** A deployment of one small web server, unless `changes` says otherwise. */
export function apply(name: string, version: number, changes: Apply = {}): State {
  const value: Apply = {
    k8sNamespace: "ns",
    k8sName: name,
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    deploymentId: `d_${name}`,
    image: BASE_IMAGE,
    replicas: 1,
    cpuMillicores: 250n,
    memoryMib: 64n,
    pidsMax: 50,
    port: 3000,
    command: shell(WEB_SERVER),
    ...changes,
  };
  return { version: BigInt(version), state: { case: "apply", value } };
}

export const WEB_SERVER =
  'echo started; mkdir -p /tmp/www; echo "hello $NAME" >/tmp/www/index.html; httpd -f -p "$PORT" -h /tmp/www & wait';

export function shell(script: string): string[] {
  return ["sh", "-c", `trap 'echo terminated; exit 0' TERM; ${script}`];
}

/** Settings of an agent with short times. */
export function agentConfig(controlPlaneUrl: string, controlPlaneId: string, stateDir: string): KraneConfig {
  return {
    controlPlaneUrl,
    controlPlaneBearer: new Secret("region_token"),
    controlPlaneId,
    region: REGION,
    runtime: "docker",
    dockerHost: HOST_DEFAULT,
    ...loadConfig(KUBERNETES_FIELDS, { flags: new Map(), env: () => undefined, readFile: () => "" }),
    registryUrl: undefined,
    registryUsername: undefined,
    registryPassword: undefined,
    stateDir,
    httpHost: "127.0.0.1",
    httpPort: 0,
    publishAddress: "127.0.0.1",
    dockerNetwork: "unkey",
    hostPorts: { first: 20_000, last: 29_999 },
    drainMs: 200,
    stopGraceSeconds: 2,
    cpuMillicoresDefault: 250,
    memoryMibDefault: 64,
    pidsDefault: 64,
  };
}

/** Everything that one test needs, removed again whatever happens. */
export class Bench implements AsyncDisposable {
  readonly id = `test-${crypto.randomUUID()}`;
  readonly engine: Engine;
  readonly plane: FakePlane;
  readonly stateDir = Deno.makeTempDirSync({ prefix: "krane-" });
  readonly logs: string[] = [];
  #stops: (() => Promise<void>)[] = [];

  private constructor(plane: FakePlane, dockerHost: string) {
    this.plane = plane;
    this.engine = openEngine(dockerHost);
  }

  static async open(dockerHost = HOST_DEFAULT): Promise<Bench> {
    const bench = new Bench(await FakePlane.start(), dockerHost);
    await ensureBaseImage(bench.engine, bench.signal);
    return bench;
  }

  get signal(): AbortSignal {
    return AbortSignal.timeout(LIMIT_MS);
  }

  /** A name that no other test uses. */
  name(): string {
    return `t${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  }

  /** Starts an agent; the returned function stops it. */
  async agent(changes: Partial<KraneConfig> = {}): Promise<() => Promise<void>> {
    const stop = new AbortController();
    const ready = Promise.withResolvers<{ port: number }>();
    const log = createLogger({ service: "krane", level: "debug", write: (line) => this.logs.push(line) });
    const done = runKrane({ ...this.config(), ...changes }, {
      log,
      clock,
      signal: stop.signal,
      onReady: ready.resolve,
    });
    const ended = async (): Promise<void> => {
      stop.abort();
      this.#stops = this.#stops.filter((each) => each !== ended);
      await done;
    };
    this.#stops.push(ended);
    done.catch(ready.reject);
    await ready.promise;
    return ended;
  }

  config(): KraneConfig {
    const { host: dockerHost } = this.engine;
    // An engine of the test's own cannot make networks beside those of the machine's.
    const own = dockerHost === HOST_DEFAULT ? {} : { dockerHost, dockerNetwork: "bridge" };
    return { ...agentConfig(this.plane.url, this.id, this.stateDir), ...own };
  }

  /** This test's containers of a deployment, or all of them. */
  async containers(name?: string): Promise<Container[]> {
    const labels = [`unkey.control-plane=${this.id}`, ...(name === undefined ? [] : [`unkey.name=${name}`])];
    const listed = await listContainers(this.engine, labels, this.signal);
    const all = await Promise.all(listed.map(({ id }) => inspectContainer(this.engine, id, this.signal)));
    return all.filter((each) => each !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const stop of [...this.#stops]) await stop();
    } finally {
      await this.plane[Symbol.asyncDispose]();
      // An engine of the test's own takes its containers with it.
      if (this.engine.host === HOST_DEFAULT) await this.#removeContainers();
      this.engine.close();
      await Deno.remove(this.stateDir, { recursive: true });
    }
  }

  /** While another engine starts a container, the kernel keeps this one's files mounted for a moment. */
  async #removeContainers(): Promise<void> {
    let problem: unknown;
    const removed = async (): Promise<boolean> => {
      problem = undefined;
      const removals = (await this.containers()).map(({ id }) =>
        removeContainer(this.engine, id, this.signal).catch((error: unknown) => problem = error)
      );
      await Promise.all(removals);
      return problem === undefined;
    };
    await until("the test's containers to be removed", removed).catch((error: unknown) => {
      throw new Error(String(error), { cause: problem });
    });
  }
}
