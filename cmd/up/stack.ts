import { homedir } from "node:os";
import type { Clock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { openEngine } from "../../pkg/docker/mod.ts";
import { openDockerConfig } from "../../pkg/docker_config/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import { countLines, type Metrics } from "../../pkg/metrics/mod.ts";
import {
  findRestateServer,
  RESTATE_VERSION,
  type RestateServer,
  startRestateServer,
} from "../../pkg/restate_server/mod.ts";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { runApi } from "../../svc/ctrl/api/run.ts";
import { openSharedControlPlane, type SharedControlPlane } from "../../svc/ctrl/run.ts";
import { WORKER_FIELDS } from "../../svc/ctrl/worker/config/config.ts";
import { runWorker } from "../../svc/ctrl/worker/run.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { type FrontlineProcess, runFrontline } from "../../svc/frontline/run.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { runKrane } from "../../svc/krane/run.ts";
import { removeAppContainers } from "./containers.ts";
import { buildNetworkNotice, checkDocker } from "./engine.ts";
import { literalConfig } from "./literal.ts";
import type { LogFile } from "./log_file.ts";
import { Part, type RunPart } from "./part.ts";
import type { OnDownload, Progress } from "./progress.ts";
import { REGION, seed, type Seeded, type SeededState } from "./seed.ts";
import { envFileText } from "./env_file.ts";
import { apiUrlOf, edgeUrlOf } from "./place.ts";
import {
  apiSettings,
  databaseUrl,
  edgeProcessSettings,
  edgeSettings,
  kraneSettings,
  type Plan,
  workerSettings,
} from "./settings.ts";
import { type DataFolder, type State, writePrivately, writeState } from "./data_folder.ts";

export interface StackDeps {
  readonly env: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly logs: LogFile;
  readonly progress: Progress;
  /** Gives up the start. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Of one part. */
  readonly metrics: (part: string) => Metrics;
}

/** Loaded by itself, since commands that start quickly share this file's imports. */
async function buildProblem(): Promise<string | undefined> {
  const { runtimeProblem } = await import("../../pkg/build/mod.ts");
  return runtimeProblem();
}

/** Loaded by itself: most platforms have no authority of their own. */
async function localIssuer(folder: DataFolder, clock: Clock): Promise<FrontlineProcess["issue"]> {
  const { issuerOf, keptAuthority } = await import("./local_https.ts");
  return issuerOf(await keptAuthority(folder, clock), clock);
}

/** Everything that `up` runs, from the first part on. */
export class Stack {
  readonly #plan: Plan;
  readonly #deps: StackDeps;
  readonly #failed = Promise.withResolvers<never>();
  /** Stops for all that was started, newest last. */
  readonly #stops: { readonly name: string; readonly stop: () => Promise<unknown> }[] = [];

  constructor(plan: Plan, deps: StackDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.failed.catch(() => undefined); // a failure after the end has no reader
  }

  /** Rejects when a part ends without having been stopped; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Starts one part after the other, each when those that it needs are ready. Whatever happens, `stop` must follow.
   *
   * @throws what the part fails with that does not start
   */
  async start(): Promise<Seeded> {
    const { progress } = this.#deps;
    const version = await progress.step("docker", () => this.#docker(), (answer) => answer);
    for (const notice of [buildNetworkNotice(version), await buildProblem()]) {
      if (notice !== undefined) progress.notice("docker", notice);
    }
    const restate = await progress.step(
      "restate",
      (download) => this.#restate(download),
      () => RESTATE_VERSION,
    );
    const shared = await progress.step("api", () => this.#api(restate), () => apiUrlOf(this.#plan.place));
    const seeded = await progress.step("project", () => this.#seed(), () => this.#plan.config.project);
    const plan = { ...this.#plan, state: seeded.state };
    await progress.step(
      "worker",
      () => this.#worker(shared, restate),
      () => "registered with restate",
    );
    await progress.step("agent", () => this.#agent(plan), () => `region ${REGION}`);
    await progress.step("edge", () => this.#edge(plan), () => edgeUrlOf(plan.place));
    return seeded;
  }

  /** Stops what was started, newest first; goes on when one of them cannot be stopped. */
  async stop(): Promise<void> {
    for (const { name, stop } of this.#stops.toReversed()) {
      await stop().catch((error: unknown) => {
        this.#deps.logs.logger("up").error("stop failed", { part: name, error: describeError(error) });
      });
    }
    this.#stops.length = 0;
  }

  async #docker(): Promise<string> {
    const engine = openEngine(this.#plan.config.dockerHost);
    this.#onStop("docker client", () => Promise.resolve(engine.close()));
    const { version } = await checkDocker(engine, this.#deps.env, this.#deps.signal);
    return version;
  }

  async #restate(onProgress: OnDownload): Promise<RestateServer> {
    const { env, signal, clock, logs } = this.#deps;
    const { folder } = this.#plan;
    const { path } = await findRestateServer({ env, clock, signal, onProgress });
    const server = await startRestateServer({
      binary: path,
      baseDir: folder.restate,
      logFile: folder.restateLog,
      clock,
      log: logs.logger("restate"),
      signal,
    });
    this.#onStop("restate", () => server.stop());
    server.ended.catch((error: unknown) => this.#failed.reject(error));
    return server;
  }

  async #api(restate: RestateServer): Promise<SharedControlPlane> {
    const { clock, logs, version } = this.#deps;
    const metrics = this.#deps.metrics("api");
    const log = countLines(logs.logger("ctrl-api"), metrics);
    const shared = await openSharedControlPlane(new Secret(databaseUrl(this.#plan)), { clock, log, metrics });
    this.#onStop("database", () => shared.close());
    const config = literalConfig(API_FIELDS, apiSettings(this.#plan, restate));
    await this.#part(
      "The api",
      (signal, ready) => runApi(config, { log, clock, signal, onReady: ready, version, shared, metrics }),
    );
    return shared;
  }

  #seed(): Promise<Seeded> {
    const { folder, state, config } = this.#plan;
    return seed(state, {
      apiUrl: apiUrlOf(this.#plan.place),
      project: config.project,
      signal: this.#deps.signal,
      save: (next: State) => writeState(folder, next),
    });
  }

  async #worker(shared: SharedControlPlane, restate: RestateServer): Promise<void> {
    const { clock, logs, env } = this.#deps;
    const config = literalConfig(WORKER_FIELDS, workerSettings(this.#plan, restate));
    const metrics = this.#deps.metrics("worker");
    const log = countLines(logs.logger("ctrl-worker"), metrics);
    await this.#part("The worker", (signal, ready) => {
      const dockerCredentials = openDockerConfig({ env, home: env("HOME") ?? homedir(), log, signal });
      return runWorker(config, { log, clock, signal, onReady: ready, shared, dockerCredentials, metrics });
    });
  }

  async #agent(plan: Plan & { readonly state: SeededState }): Promise<void> {
    const { clock, logs } = this.#deps;
    const metrics = this.#deps.metrics("krane");
    const log = countLines(logs.logger("krane"), metrics);
    const config = literalConfig(KRANE_FIELDS, kraneSettings(plan));
    // Apps of a server go on while it is upgraded; those of a developer's machine end with it.
    if (plan.config.domain === undefined) {
      this.#onStop("app containers", async () => {
        const engine = openEngine(plan.config.dockerHost);
        try {
          await removeAppContainers(engine, plan.state.id, log);
        } finally {
          engine.close();
        }
      });
    }
    await this.#part(
      "The agent",
      (signal, ready) => runKrane(config, { log, clock, signal, onReady: ready, metrics }),
    );
  }

  async #edge(plan: Plan & { readonly state: SeededState }): Promise<void> {
    const { clock, logs } = this.#deps;
    const issue = plan.config.https ? await localIssuer(plan.folder, clock) : undefined;
    if (plan.config.edgeApart) {
      return await writePrivately(plan.folder.edgeSettings, envFileText(edgeProcessSettings(plan)));
    }
    const config = literalConfig(FRONTLINE_FIELDS, edgeSettings(plan));
    const metrics = this.#deps.metrics("frontline");
    const log = countLines(logs.logger("frontline"), metrics);
    await this.#part(
      "The edge",
      (signal, ready) => runFrontline(config, { log, clock, signal, onReady: ready, issue, metrics }),
    );
  }

  async #part(name: string, run: RunPart): Promise<void> {
    const { clock, logs, signal } = this.#deps;
    const part = await Part.start(name, { clock, log: logs.logger("up") }, signal, run);
    this.#onStop(name, () => part.stop());
    part.failed.catch((error: unknown) => this.#failed.reject(error));
  }

  #onStop(name: string, stop: () => Promise<unknown>): void {
    this.#stops.push({ name, stop });
  }
}
