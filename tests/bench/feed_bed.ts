/** One api process on MariaDB, a writer beside it, and processes that hold streams: what the feed's numbers come from. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { mysqlServer, type TestMysqlServer, type TestSchema } from "../../pkg/testkit/mariadb.ts";
import { newDnsName, newId, newSecretToken } from "../../pkg/uid/mod.ts";
import { credentialHash } from "../../svc/ctrl/internal/auth/hash.ts";
import { appendChanges, createNudger, type Nudger } from "../../svc/ctrl/internal/changes/mod.ts";
import { newDeployment, type Seed, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import {
  createDeployment,
  createRegionToken,
  type CtrlDatabase,
  type DeploymentsTable,
  type NewDeployment,
  openCtrlDatabase,
  placeDeployment,
  stopTopology,
} from "../../svc/ctrl/internal/store/mod.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, freePort } from "../testbed/wait.ts";
import { LineProcess } from "./line_process.ts";
import type { StreamsOptions, StreamsReady, StreamsResult } from "./feed_streams.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const STREAMS = new URL("./feed_streams.ts", import.meta.url).pathname;
const SERVICE_TOKEN = "bench-service-token-0123456789abcdef";
const ROWS_PER_INSERT = 500;
const clock = systemClock();

/** A commit of the writer. */
export interface Commit {
  readonly region: string;
  readonly version: number;
  readonly atMs: number;
}

/** Agents that watch, in one or two processes. */
export interface Streams {
  readonly ready: readonly StreamsReady[];
  /** Closes the streams and answers what came. */
  stop(): Promise<StreamsResult>;
}

/** Database, api and agents for the benches of the feed. Dispose of it, or its processes stay. */
export class FeedBed implements AsyncDisposable {
  readonly db: CtrlDatabase;
  readonly #directory: string;
  readonly #server: TestMysqlServer;
  readonly #schema: TestSchema;
  readonly #api: Part;
  readonly #port: number;
  readonly #nudger: Nudger;
  readonly #seed: Seed;
  readonly #template: DeploymentsTable;

  private constructor(
    parts: { server: TestMysqlServer; schema: TestSchema; db: CtrlDatabase; directory: string },
    seeded: { seed: Seed; template: DeploymentsTable },
  ) {
    const { server, schema, db, directory } = parts;
    [this.#server, this.#schema, this.db, this.#directory] = [server, schema, db, directory];
    [this.#seed, this.#template] = [seeded.seed, seeded.template];
    this.#port = freePort();
    this.#api = new Part({
      name: "api",
      command: Deno.execPath(),
      args: ["run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, MAIN, "ctrl", "api"],
      env: () => this.#env(),
      logFile: `${directory}/api.log`,
      ready: () => answersOk(`${this.url}/health/ready`),
    });
    this.#nudger = createNudger({ db, clock, log: silentLogger(), token: new Secret(SERVICE_TOKEN) });
  }

  /**
   * Makes a database and starts the api on it; its deployments differ in `changes`, and then in `row`, from those of
   * tests. There is no Restate: of one that is not ready the api would tell its workflow, again and again.
   */
  static async start(
    changes: Partial<NewDeployment> = {},
    row: Pick<Partial<DeploymentsTable>, "status"> = {},
  ): Promise<FeedBed> {
    const server = await mysqlServer();
    if (server === undefined) throw new Error("Install mariadb-server-core to measure the feed");
    const schema = await server.createSchema();
    const directory = await Deno.makeTempDir({ prefix: "unkey-bench-feed-" });
    const db = await openCtrlDatabase(schema.url, { migrate: true, log: silentLogger(), clock });
    const seed = await seedProject(db);
    const { deployment: template } = await transact(
      db,
      (tx) => createDeployment(tx, newDeployment(seed, changes)),
    );
    const bed = new FeedBed({ server, schema, db, directory }, { seed, template: { ...template, ...row } });
    try {
      await bed.#api.start();
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get workspaceId(): string {
    return this.#seed.workspaceId;
  }

  get apiPid(): number {
    return this.#api.pid;
  }

  /** A fresh api process, whose memory holds nothing of what was measured before. */
  async restartApi(): Promise<void> {
    await this.#api.kill("SIGTERM");
    await this.#api.start();
  }

  /** Statements that the server has run so far, this question among them. */
  async statements(): Promise<number> {
    const rows = await this.#server.administrate("show global status like 'Questions'");
    const [row] = Array.isArray(rows) ? rows : [];
    return Number(row?.Value);
  }

  /** Names regions, each with a token. */
  async regions(count: number): Promise<{ region: string; token: string }[]> {
    const regions = [];
    for (let n = 0; n < count; n++) {
      const [region, token] = [newDnsName(12), newSecretToken("region")];
      await createRegionToken(this.db.kysely, {
        id: newId("regionToken", clock.now()),
        region,
        hash: credentialHash(token),
        networks: [],
        nowMs: clock.now(),
      });
      regions.push({ region, token });
    }
    return regions;
  }

  /** Deployments of one project, not placed anywhere yet. */
  async deployments(count: number): Promise<string[]> {
    const ids: string[] = [];
    const [last] = await this.db.kysely.selectFrom("deployments")
      .select((eb) => eb.fn.max("sequence").as("sequence")).execute();
    let sequence = last?.sequence ?? 0;
    while (ids.length < count) {
      const rows = Array.from({ length: Math.min(ROWS_PER_INSERT, count - ids.length) }, () => ({
        ...this.#template,
        id: newId("deployment", clock.now()),
        k8s_name: newDnsName(12),
        sequence: ++sequence,
      }));
      await this.db.kysely.insertInto("deployments").values(rows).execute();
      ids.push(...rows.map((row) => row.id));
    }
    return ids;
  }

  /** Names of the deployments in their runtime, by id. */
  async names(deploymentIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.db.kysely.selectFrom("deployments").select(["id", "k8s_name"])
      .where("id", "in", deploymentIds).execute();
    return new Map(rows.map((row) => [row.id, row.k8s_name]));
  }

  /** The deployments that have been reported as running in a region. */
  async running(region: string): Promise<string[]> {
    const rows = await this.db.kysely.selectFrom("instances").select("deployment_id")
      .where("region", "=", region).where("status", "=", "running").execute();
    return rows.map((row) => row.deployment_id);
  }

  /** Commits one change, tells the api as the worker does, and says when the commit was done. */
  async commit(region: string, deploymentId: string, replicas: number): Promise<Commit> {
    const [changed] = await transact(this.db, (tx) =>
      placeDeployment(tx, {
        deploymentId,
        workspaceId: this.#seed.workspaceId,
        regions: [{ region, replicas }],
        nowMs: clock.now(),
      }));
    const atMs = performance.timeOrigin + performance.now();
    this.#nudger.changed([region]);
    if (changed === undefined) throw new Error("the commit changed nothing");
    return { region, version: changed.version, atMs };
  }

  /** Places deployments in a region, many at a time, tells the api, and says when the last commit was done. */
  async place(region: string, deploymentIds: readonly string[]): Promise<number> {
    const nowMs = clock.now();
    for (let start = 0; start < deploymentIds.length; start += ROWS_PER_INSERT) {
      const part = deploymentIds.slice(start, start + ROWS_PER_INSERT);
      await transact(this.db, async (tx) => {
        const changes = part.map((resourceId) => ({ resourceType: "deployment" as const, resourceId }));
        const versions = await appendChanges(tx, region, changes, nowMs);
        await tx.insertInto("deployment_topology").values(part.map((deployment_id, n) => ({
          deployment_id,
          region,
          workspace_id: this.#seed.workspaceId,
          desired_replicas: 1,
          desired_status: "started" as const,
          version: versions[n] ?? 0,
          reported_generation: 0,
          created_at: nowMs,
          updated_at: nowMs,
        }))).execute();
      });
    }
    const atMs = performance.timeOrigin + performance.now();
    this.#nudger.changed([region]);
    return atMs;
  }

  /** Has deployments stopped wherever they were placed. */
  async stop(deploymentIds: readonly string[]): Promise<void> {
    const nowMs = clock.now();
    for (const deploymentId of deploymentIds) {
      const placements = await transact(this.db, (tx) => stopTopology(tx, { deploymentId, nowMs }));
      this.#nudger.changed(placements.map(({ region }) => region));
    }
  }

  /** Opens streams in as many processes as there are lists of agents. */
  async open(agents: readonly StreamsOptions["agents"][], aliveMs: number): Promise<Streams> {
    const processes = agents.map((each) =>
      new LineProcess(STREAMS, { url: this.url, agents: each, aliveMs } satisfies StreamsOptions, [])
    );
    try {
      const ready = await Promise.all(processes.map((each) => each.line<StreamsReady>()));
      return { ready, stop: () => stopAll(processes) };
    } catch (error) {
      await Promise.all(processes.map((each) => each.kill()));
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nudger.close();
    await this.#api.kill("SIGTERM");
    await this.db.close();
    await this.#schema.drop();
    await Deno.remove(this.#directory, { recursive: true });
  }

  #env(): Record<string, string> {
    return {
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(this.#port),
      UNKEY_ADVERTISE_URL: this.url,
      UNKEY_DATABASE_PRIMARY: this.#schema.url.reveal(),
      UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
      UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
      UNKEY_RESTATE_INGRESS_URL: "http://127.0.0.1:1",
      UNKEY_BUILD_FILES_DIR: `${this.#directory}/objects`,
      UNKEY_LOG_LEVEL: "warn",
    };
  }
}

async function stopAll(processes: readonly LineProcess[]): Promise<StreamsResult> {
  const results = await Promise.all(processes.map((each) => each.stop<StreamsResult>()));
  return {
    received: results.flatMap((each) => each.received),
    problems: results.flatMap((each) => each.problems),
  };
}
