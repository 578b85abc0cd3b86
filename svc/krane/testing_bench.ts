/** An agent against the real Docker Engine and a control plane whose streams are written by the test. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig, Secret } from "../../pkg/config/mod.ts";
import {
  type Container,
  type Engine,
  HOST_DEFAULT,
  inspectContainer,
  listContainers,
  listNetworks,
  openEngine,
  removeContainer,
  removeNetwork,
  startExec,
} from "../../pkg/docker/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import { engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import type { KraneConfig } from "./config.ts";
import { KUBERNETES_FIELDS } from "./config_kubernetes.ts";
import { CAPABILITIES_DEFAULT } from "./internal/deployment/capabilities.ts";
import { runKrane } from "./run.ts";
import { until } from "./testing.ts";
import { FakePlane } from "./testing_plane.ts";

export const NO_ENGINE = !await engineAnswers();
export const REGION = "test.region";
const LIMIT_MS = 180_000;
const clock = systemClock();

/** Settings of an agent with short times. */
export function agentConfig(controlPlaneUrl: string, controlPlaneId: string, stateDir: string): KraneConfig {
  return {
    controlPlaneUrl,
    controlPlaneBearer: new Secret("region_token"),
    controlPlaneId,
    caFile: undefined,
    clientCertFile: undefined,
    clientKeyFile: undefined,
    tlsCertFile: undefined,
    tlsKeyFile: undefined,
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
    instanceAddress: "published",
    hostPorts: { first: 20_000, last: 29_999 },
    dockerWorkspaces: "one",
    drainMs: 200,
    stopGraceSeconds: 2,
    cpuMillicoresDefault: 250,
    memoryMibDefault: 64,
    pidsDefault: 64,
    capabilities: CAPABILITIES_DEFAULT,
  };
}

/** An agent's Docker Engine, control plane and folder; all containers are removed at the end. */
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

  /** The networks that this test's agents made for themselves. */
  networks(): Promise<{ readonly id: string; readonly name: string }[]> {
    return listNetworks(this.engine, [`unkey.control-plane=${this.id}`], this.signal);
  }

  /** Runs a command in a container and returns its output. */
  async exec(container: string, command: readonly string[]): Promise<string> {
    const { signal } = this;
    const exec = await startExec(this.engine, container, command, { signal, timeoutMs: LIMIT_MS });
    return (await exec.result).output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const stop of [...this.#stops]) await stop();
    } finally {
      await this.plane[Symbol.asyncDispose]();
      // An engine of the test's own takes its containers with it.
      if (this.engine.host === HOST_DEFAULT) {
        await this.#removeContainers();
        for (const { id } of await this.networks()) await removeNetwork(this.engine, id, this.signal);
      }
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

/** A test against the Docker Engine of this machine. */
export function engineTest(name: string, test: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: NO_ENGINE,
    fn: async () => {
      await using bench = await Bench.open();
      await test(bench);
    },
  });
}
