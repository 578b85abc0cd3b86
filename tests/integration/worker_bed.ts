/** A worker and a Restate server as processes, a database in a file, and an agent that the test plays. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { parseId } from "../../pkg/uid/mod.ts";
import type { DeploymentId, EnvironmentId } from "../../pkg/uid/mod.ts";
import type { NewDeployment } from "../../svc/ctrl/internal/store/mod.ts";
import {
  type CtrlDatabase,
  findDeployment,
  findStart,
  listEventsAfter,
  openCtrlDatabase,
  recordAgents,
  type ReportedInstance,
} from "../../svc/ctrl/internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import type { Workflows } from "../../svc/ctrl/internal/workflows/mod.ts";
import { createRestateWorkflows } from "../../svc/ctrl/internal/workflows/restate.ts";
import { instanceReport, nextReleaseReport, REGION, report } from "../../svc/ctrl/worker/testing.ts";
import { ContextStore } from "../testbed/context_store.ts";
import { Part, type PartOptions } from "../testbed/process.ts";
import { type RestatePart, restatePart } from "../testbed/restate.ts";
import type { RestateCluster } from "../testbed/restate_cluster.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";

const AGENT_MS = 30;

/** The agent's reaction to a deployment that is desired here; `undefined`: none so far. */
export type Behaviour = (id: string) => readonly ReportedInstance[] | undefined;

interface Parts {
  readonly directory: string;
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  readonly restate: RestateServers;
  readonly ports: Ports;
  readonly databaseUrl: Secret;
}

interface Ports {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

/** One server, or a cluster. */
type RestateServers = Pick<RestatePart, "identityKey" | "start" | "kill">;

/** The worker's process, however a test runs it. */
export interface WorkerPart {
  start(): Promise<void>;
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  logTail(lines?: number): Promise<string>;
}

export interface WorkerBedOptions<W extends WorkerPart> {
  /** Makes the worker's process of how it would be started. */
  readonly worker: (part: PartOptions) => W;
  /** Instead of a SQLite file. */
  readonly databaseUrl?: Secret;
  /** Added to the worker's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of one server. The bed starts and ends it. */
  readonly cluster?: (directory: string) => Promise<RestateCluster>;
  /** Added to Restate's environment. */
  readonly restateEnv?: Readonly<Record<string, string>>;
}

export class WorkerBed<W extends WorkerPart = WorkerPart> {
  readonly directory: string;
  readonly db: CtrlDatabase;
  seed: Seed;
  readonly restate: RestateServers;
  readonly workflows: Workflows;
  behaviour: Behaviour = () => [instanceReport()];
  #worker: W;
  readonly #formers: W[] = [];
  #endpointUrl = "";
  #healthUrl = "";
  readonly #options: WorkerBedOptions<W>;
  readonly #databaseUrl: Secret;
  readonly #ports: Ports;
  readonly #stop = new AbortController();
  readonly #agent: Promise<void>;
  readonly #contexts: ContextStore;

  private constructor(
    { directory, db, seed, restate, ports, databaseUrl }: Parts,
    options: WorkerBedOptions<W>,
  ) {
    this.#options = options;
    this.#databaseUrl = databaseUrl;
    this.directory = directory;
    this.db = db;
    this.seed = seed;
    this.restate = restate;
    this.#ports = ports;
    this.workflows = createRestateWorkflows({
      ingressUrl: `http://127.0.0.1:${ports.ingress}`,
      clock: systemClock(),
      timeoutMs: 120_000,
    });
    this.#contexts = ContextStore.start(`${directory}/objects`);
    this.#worker = this.#newWorker();
    this.#agent = this.#play();
  }

  static start(env: Readonly<Record<string, string>> = {}): Promise<WorkerBed> {
    return WorkerBed.startWith({ worker: (part) => new Part(part), env });
  }

  static async startWith<W extends WorkerPart>(options: WorkerBedOptions<W>): Promise<WorkerBed<W>> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-worker-" });
    const cluster = await options.cluster?.(directory);
    const ports = {
      ingress: cluster?.ways.ingress.port ?? freePort(),
      admin: cluster?.ways.admin.port ?? freePort(),
      node: freePort(),
    };
    const restate = cluster ?? await restatePart(directory, ports, options.restateEnv);
    const databaseUrl = options.databaseUrl ?? new Secret(`sqlite://${directory}/ctrl.db`);
    const db = await openCtrlDatabase(databaseUrl, { migrate: true, log: silentLogger() });
    const seed = await seedProject(db);
    const bed = new WorkerBed<W>({ directory, db, seed, restate, ports, databaseUrl }, options);
    try {
      await restate.start();
      await bed.#worker.start();
      return bed;
    } catch (error) {
      await bed.stop();
      throw error;
    }
  }

  get ingressUrl(): string {
    return `http://127.0.0.1:${this.#ports.ingress}`;
  }

  get databaseUrl(): string {
    return this.#databaseUrl.reveal();
  }

  /** Where Restate reaches the worker that was started last. */
  get endpointUrl(): string {
    return this.#endpointUrl;
  }

  get worker(): W {
    return this.#worker;
  }

  /** Goes on in a project of its own: what was made before is left alone, by the agent too. */
  async reseed(): Promise<void> {
    this.seed = await seedProject(this.db);
  }

  /** Starts another worker at another address, after the first has been stopped. */
  async replaceWorker(): Promise<void> {
    this.#worker = this.#newWorker();
    await this.#worker.start();
  }

  /** Starts another worker at another address beside the one that runs, and returns the latter. */
  async addWorker(): Promise<W> {
    const former = this.#worker;
    this.#formers.push(former);
    await this.replaceWorker();
    return former;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#agent;
    for (const worker of [...this.#formers, this.#worker]) await worker.kill("SIGKILL");
    await this.restate.kill("SIGKILL");
    await this.#contexts[Symbol.asyncDispose]();
    await this.db.close();
    await Deno.remove(this.directory, { recursive: true });
  }

  /** A deployment of an image, or of an uploaded context whose Dockerfile's name tells the builder what to do. */
  async create(dockerfile?: string, others: Partial<NewDeployment> = {}): Promise<DeploymentId> {
    const changes: Partial<NewDeployment> = dockerfile === undefined ? others : {
      ...others,
      source: "context",
      image: null,
      build_context_path: await this.#contexts.uploadFiles({ [dockerfile]: "FROM scratch\n" }),
      dockerfile_path: dockerfile,
    };
    const { id } = await seedDeployment(this.db, this.seed, changes);
    return parseId("deployment", "id", id);
  }

  /** Lets the build of a deployment end whose Dockerfile is called `gate`. */
  async finishBuild(id: string): Promise<void> {
    await Deno.writeTextFile(`${this.directory}/gate-${id}`, "");
  }

  /** The deployments of this project whose images the builder has. */
  async images(): Promise<readonly string[]> {
    const names = await Array.fromAsync(Deno.readDir(`${this.directory}/images`), ({ name }) => name)
      .catch((error: unknown): string[] => {
        if (error instanceof Deno.errors.NotFound) return [];
        throw error;
      });
    const rows = await this.db.kysely.selectFrom("deployments").select("id")
      .where("project_id", "=", this.seed.projectId).orderBy("sequence").execute();
    return rows.map(({ id }) => id).filter((id) => names.includes(id));
  }

  get environment(): EnvironmentId {
    return parseId("environment", "id", this.seed.productionId);
  }

  async status(id: string): Promise<string> {
    return (await findDeployment(this.db.kysely, id))?.status ?? "missing";
  }

  async until(id: string, ...statuses: readonly string[]): Promise<void> {
    let last = "";
    await eventually(`${id} to be ${statuses.join(" or ")}`, async () => {
      last = await this.status(id);
      return statuses.includes(last);
    }, { deadlineMs: 180_000, everyMs: 20 }).catch(async (error: unknown) => {
      throw new Error(`it is ${last}:\n${await this.#worker.logTail()}`, { cause: error });
    });
  }

  /** Restate's failed attempts to reach the worker for this deployment, and its wait until the next one. */
  async attempts(id: string): Promise<{ failed: number; pauseMs: number }> {
    const query = `select retry_count, last_start_at, next_retry_at from sys_invocation
      where target_service_key = '${id}' and status != 'completed'`;
    const [row] = await this.ask(query);
    const ms = (column: string): number => Date.parse(String(row?.[column]));
    return { failed: Number(row?.["retry_count"] ?? 0), pauseMs: ms("next_retry_at") - ms("last_start_at") };
  }

  /** Asks Restate about its invocations, in SQL. */
  async ask(query: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.admin}/query`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query }),
    });
    return (await answer.json()).rows;
  }

  /** All events as short texts, in order. */
  async history(id: string): Promise<readonly string[]> {
    return (await listEventsAfter(this.db.kysely, id, 0, 1_000)).map(({ payload }) => {
      switch (payload.kind) {
        case "status":
          return `status ${payload.status}`;
        case "step":
          return `step ${payload.name} ${payload.status}`;
        case "log":
          return `log ${payload.lines.join("|")}`;
        case "notice":
          return `notice ${payload.message}`;
      }
    });
  }

  /** Of the worker that was started last. */
  get healthUrl(): string {
    return this.#healthUrl;
  }

  #newWorker(): W {
    const [http, health] = [freePort(), freePort()];
    this.#healthUrl = `http://127.0.0.1:${health}/health`;
    const { admin } = this.#ports;
    this.#endpointUrl = `http://127.0.0.1:${http}`;
    return this.#options.worker({
      name: "worker",
      command: Deno.execPath(),
      args: ["run", "-A", "--no-check", new URL("./worker_process.ts", import.meta.url).pathname],
      env: () => ({
        UNKEY_DATABASE_PRIMARY: this.databaseUrl,
        UNKEY_RESTATE_ADMIN_URL: `http://127.0.0.1:${admin}`,
        UNKEY_RESTATE_INGRESS_URL: this.ingressUrl,
        UNKEY_RESTATE_HTTP_PORT: String(http),
        UNKEY_WORKER_HTTP_PORT: String(health),
        UNKEY_RESTATE_IDENTITY_KEYS: this.restate.identityKey,
        UNKEY_BUILD_FILES_DIR: `${this.directory}/objects`,
        UNKEY_BUILD_FILES_URL: this.#contexts.url,
        UNKEY_BUILD_FILES_SIGNING_KEY: ContextStore.signingKey,
        UNKEY_BUILD_NETWORK: "trusted",
        UNKEY_AVAILABLE_REGIONS: REGION,
        UNKEY_STOP_GRACE_SECONDS: "1",
        ...this.#options.env,
      }),
      logFile: `${this.directory}/worker.log`,
      ready: () => answersOk(`http://127.0.0.1:${health}/health/ready`),
    });
  }

  /** Reports what should run, as an agent would, and tells the workflow as the api would. */
  async #play(): Promise<void> {
    const clock = systemClock();
    const reported = new Map<string, string>();
    while (!this.#stop.signal.aborted) {
      try {
        await this.#playOnce(reported, clock.now());
      } catch (error) {
        // An agent tries again, also when the api's disk is full.
        if (!isFault(error, "unavailable")) throw error;
      }
      await clock.sleep(AGENT_MS, this.#stop.signal).catch(() => undefined);
    }
  }

  async #playOnce(reported: Map<string, string>, nowMs: number): Promise<void> {
    await transact(this.db, (tx) => recordAgents(tx, [{ agentId: "agent", region: REGION, nowMs }]));
    const rows = await this.db.kysely.selectFrom("deployment_topology")
      .innerJoin("deployments", "deployments.id", "deployment_topology.deployment_id")
      .select(["deployments.id", "desired_status", "deployment_topology.version"])
      .where("deployments.project_id", "=", this.seed.projectId).execute();
    for (const { id, desired_status: desired, version } of rows) {
      const tasks = desired === "started" ? await nextReleaseReport(this.db, id) : [];
      const instances = desired === "started" && tasks.length === 0 ? this.behaviour(id) : [];
      if (instances === undefined) continue;
      // The version is compared, too: a stop and a start between two looks leave the same instances.
      const current = JSON.stringify([version, instances, tasks]);
      if (reported.get(id) === current) continue;
      await report(this.db, id, nowMs, instances, tasks);
      // The message may find Restate down; the workflow looks again by itself.
      await this.#wake(id).catch(() => undefined);
      reported.set(id, current);
    }
  }

  /** As the api does for a report. */
  async #wake(id: string): Promise<void> {
    const { signal } = this.#stop;
    const startId = await findStart(this.db.kysely, id);
    if (startId === undefined) {
      await this.workflows.instancesChanged(parseId("deployment", "id", id), signal);
    } else await this.workflows.startChanged(parseId("start", "id", startId), signal);
  }
}
