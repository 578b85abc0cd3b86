/** The control plane on MariaDB and Restate with agents and edges of many regions, each part as processes of its own. */
import { V8_FLAGS } from "../../../dev/v8_flags.ts";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { createRpcClient } from "../../../pkg/rpc/mod.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { type CtrlDatabase, openCtrlDatabase } from "../../../svc/ctrl/internal/store/mod.ts";
import { Part } from "../../testbed/process.ts";
import { type RestatePart, restatePart } from "../../testbed/restate.ts";
import { answersOk, freePort } from "../../testbed/wait.ts";
import { LineProcess } from "../line_process.ts";
import type { AgentsOptions } from "./agents_process.ts";
import type { EdgesOptions } from "./edges_process.ts";
import { MeasuredDatabase } from "./measured_database.ts";
import { type ScaleProject, seedScale } from "./seed.ts";
import { APEX } from "./seed_deployments.ts";
import type { ScaleWorkspace } from "./seed_rows.ts";
import { regionName, type ScaleSize } from "./size.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;
const AGENTS = new URL("./agents_process.ts", import.meta.url).pathname;
const EDGES = new URL("./edges_process.ts", import.meta.url).pathname;
const SERVICE_TOKEN = "scale-service-token-0123456789abcdef";
const MASTER_KEY = btoa("0123456789abcdef0123456789abcdef");
/** A workspace has a limit of projects, and of deployments an hour. */
const PROJECTS_PER_WORKSPACE = 100;
/** Between a desired state and an app that answers. */
const START_MS = 500;
/** A deployment that lost its traffic stops soon, so that as many run at the end as at the beginning. */
const STOP_GRACE_SECONDS = 5;

type Name = "restate" | "api" | "worker" | "edge";

interface Ports {
  readonly api: number;
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
  readonly worker: number;
  readonly workerHealth: number;
  readonly edge: number;
}

/** A running platform. Dispose of it, or its processes stay. */
export class ScaleBed implements AsyncDisposable {
  readonly size: ScaleSize;
  readonly db: CtrlDatabase;
  readonly database: MeasuredDatabase;
  projects: readonly ScaleProject[] = [];
  readonly #directory: string;
  readonly #ports: Ports;
  readonly #parts: Readonly<Record<Name, Part>>;
  #agents: LineProcess | undefined;
  #edges: LineProcess | undefined;
  #edgeToken = "";

  private constructor(
    size: ScaleSize,
    made: {
      directory: string;
      database: MeasuredDatabase;
      db: CtrlDatabase;
      ports: Ports;
      restate: RestatePart;
    },
  ) {
    this.size = size;
    [this.#directory, this.database, this.db, this.#ports] = [
      made.directory,
      made.database,
      made.db,
      made.ports,
    ];
    const part = (name: string, args: readonly string[], env: () => Record<string, string>, url: string) =>
      new Part({
        name,
        command: Deno.execPath(),
        args: ["run", "-A", "--quiet", "--no-check", `--v8-flags=${V8_FLAGS}`, MAIN, ...args],
        env,
        logFile: `${made.directory}/${name}.log`,
        ready: () => answersOk(url),
      });
    const { ports, restate } = made;
    this.#parts = {
      restate,
      api: part("api", ["ctrl", "api"], () => this.#apiEnv(), `${this.url}/health/ready`),
      worker: part(
        "worker",
        ["ctrl", "worker"],
        () => this.#workerEnv(restate.identityKey),
        `http://127.0.0.1:${ports.workerHealth}/health/ready`,
      ),
      edge: part(
        "edge",
        ["frontline"],
        () => this.#edgeEnv(),
        `http://127.0.0.1:${ports.edge}/_unkey/internal/health`,
      ),
    };
  }

  /** Starts database, Restate and api, and fills the database; `startAgents` starts the rest. */
  static async start(size: ScaleSize): Promise<ScaleBed> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-scale-" });
    // The database server writes into it, too.
    await Deno.chmod(directory, 0o777);
    const names = ["api", "ingress", "admin", "node", "worker", "workerHealth", "edge"] as const;
    const port = Object.fromEntries(names.map((name) => [name, freePort()]));
    const ports: Ports = {
      api: port["api"] ?? 0,
      ingress: port["ingress"] ?? 0,
      admin: port["admin"] ?? 0,
      node: port["node"] ?? 0,
      worker: port["worker"] ?? 0,
      workerHealth: port["workerHealth"] ?? 0,
      edge: port["edge"] ?? 0,
    };
    const restate = await restatePart(directory, ports);
    const database = await MeasuredDatabase.make(directory);
    const options = { migrate: true, log: silentLogger(), clock: systemClock() };
    const db = await openCtrlDatabase(database.url, options);
    const bed = new ScaleBed(size, { directory, database, db, ports, restate });
    try {
      await restate.start();
      await bed.#parts.api.start();
      const count = Math.ceil(size.projects / PROJECTS_PER_WORKSPACE);
      const workspaces: ScaleWorkspace[] = [];
      for (let index = 0; index < count; index++) workspaces.push(await bed.#workspace(index));
      bed.projects = await seedScale(db, { size, workspaces, nowMs: Date.now() });
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports.api}`;
  }

  /** Starts worker, agents and edges, each edge with its first snapshot. */
  async startRegions(): Promise<void> {
    const operator = this.#operator();
    this.#edgeToken = (await operator.createRegionToken({ region: "*" })).token;
    const agents: AgentsOptions["agents"][number][] = [];
    for (let index = 0; index < this.size.regions; index++) {
      const region = regionName(index);
      const { token } = await operator.createRegionToken({ region, networks: ["10.0.0.0/8"] });
      agents.push({ region, token });
    }
    const { url } = this;
    const directory = `${this.#directory}/krane`;
    await Deno.mkdir(directory);
    await this.#parts.worker.start();
    await this.#parts.edge.start();
    const regions = agents.map(({ region }) => region);
    const others = regions.slice(1);
    if (others.length > 0) {
      this.#edges = new LineProcess(
        EDGES,
        { url, token: this.#edgeToken, regions: others } satisfies EdgesOptions,
      );
      await this.#edges.line();
    }
    this.#agents = new LineProcess(
      AGENTS,
      { url, directory, agents, startMs: START_MS } satisfies AgentsOptions,
    );
    await this.#agents.line();
  }

  /** Processes by their names in the table. */
  async pids(): Promise<Readonly<Record<string, number>>> {
    const { api, worker, restate, edge } = this.#parts;
    return {
      api: api.pid,
      worker: worker.pid,
      restate: restate.pid,
      mariadb: await this.database.pid(),
      "one edge": edge.pid,
      ...(this.#edges === undefined ? {} : { "other edges": this.#edges.pid }),
      ...(this.#agents === undefined ? {} : { "all agents": this.#agents.pid }),
    };
  }

  /** Asks Restate about its invocations, in SQL. */
  async ask(query: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.admin}/query`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(30_000),
    });
    return (await answer.json()).rows;
  }

  /** The last lines of every part, for a failure. */
  async logs(): Promise<string> {
    const tails = Object.entries(this.#parts).map(async ([name, part]) =>
      `${name}:\n${await part.logTail(15)}`
    );
    return (await Promise.all(tails)).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#agents?.kill(), this.#edges?.kill()]);
    for (const name of ["edge", "worker", "api", "restate"] as const) await this.#parts[name].kill("SIGKILL");
    await this.db.close();
    await this.database.drop();
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #workspace(index: number): Promise<ScaleWorkspace> {
    const operator = this.#operator();
    const slug = `team-${index}`;
    const { workspaceId } = await operator.createWorkspace({ name: slug, slug });
    const { key } = await operator.createRootKey({ workspaceId, name: slug, permissions: ["*"] });
    return { id: workspaceId, slug, rootKey: key };
  }

  #operator(): ReturnType<typeof createRpcClient<typeof AdminService>> {
    return createRpcClient(AdminService, { baseUrl: this.url, token: new Secret(SERVICE_TOKEN) });
  }

  #shared(): Record<string, string> {
    return {
      UNKEY_DATABASE_PRIMARY: this.database.url.reveal(),
      UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
      UNKEY_RESTATE_INGRESS_URL: `http://127.0.0.1:${this.#ports.ingress}`,
      UNKEY_AVAILABLE_REGIONS: Array.from({ length: this.size.regions }, (_, n) => regionName(n)).join(","),
      UNKEY_EDGE_URL: `http://${APEX}`,
      UNKEY_DEFAULT_DOMAIN: APEX,
      UNKEY_BUILD_FILES_DIR: `${this.#directory}/objects`,
      UNKEY_BUILD_FILES_SIGNING_KEY: "scale-signing-key-0123456789abcdef",
      UNKEY_BUILD_FILES_URL: this.url,
      UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
      UNKEY_LOG_LEVEL: "warn",
    };
  }

  #apiEnv(): Record<string, string> {
    return {
      ...this.#shared(),
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(this.#ports.api),
      UNKEY_ADVERTISE_URL: this.url,
    };
  }

  #workerEnv(identityKey: string): Record<string, string> {
    const { admin, worker, workerHealth } = this.#ports;
    return {
      ...this.#shared(),
      UNKEY_RESTATE_IDENTITY_KEYS: identityKey,
      UNKEY_BUILD_NETWORK: "trusted",
      UNKEY_WORKER_HTTP_PORT: String(workerHealth),
      UNKEY_RESTATE_HTTP_PORT: String(worker),
      UNKEY_RESTATE_ADMIN_URL: `http://127.0.0.1:${admin}`,
      UNKEY_RESTATE_REGISTER_AS: `http://127.0.0.1:${worker}`,
      // No registry is asked: its answers are no cost of the platform.
      UNKEY_RESOLVE_IMAGES: "false",
      UNKEY_IMAGE_SOURCES: "any",
      UNKEY_STOP_WARM_COUNT: "0",
      UNKEY_STOP_GRACE_SECONDS: String(STOP_GRACE_SECONDS),
    };
  }

  #edgeEnv(): Record<string, string> {
    return {
      UNKEY_CONTROL_PLANE_URL: this.url,
      UNKEY_CONTROL_PLANE_BEARER: this.#edgeToken,
      UNKEY_REGION: regionName(0),
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(this.#ports.edge),
      UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
      UNKEY_LOG_LEVEL: "warn",
    };
  }
}
