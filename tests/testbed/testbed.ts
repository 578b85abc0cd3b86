/**
 * The whole platform as separate processes on free ports of this machine, as an operator would run it: MariaDB or
 * SQLite, Restate, api, worker, krane on the real Docker Engine, and the edge. A test may kill any of them.
 *
 * ```ts
 * await using bed = await Testbed.start();
 * const app = await bed.project("shop");
 * const { code } = await bed.unkey(["deploy", dir, "--project", app.slug]);
 * ```
 */
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { answersOk, eventually, freePort } from "./wait.ts";
import { type Answer, askEdge } from "./ask.ts";
import type { Balancer } from "./balancer.ts";
import { type OwnPorts, ownPorts, type Ports } from "./ports.ts";
import { Part, priority } from "./process.ts";
import { type RestatePart, restatePart } from "./restate.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

export interface TestbedOptions {
  /** A database to use instead of a new SQLite file. */
  readonly databaseUrl?: string;
  /** Settings of an object store to use instead of a folder of the api. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Added to the worker's environment, e.g. shorter deadlines. */
  readonly workerEnv?: Readonly<Record<string, string>>;
  readonly apiEnv?: Readonly<Record<string, string>>;
  readonly kraneEnv?: Readonly<Record<string, string>>;
  readonly edgeEnv?: Readonly<Record<string, string>>;
  /** In front of api and edge: where others find them, whichever process there is. */
  readonly balancers?: { readonly api: Balancer; readonly edge: Balancer };
  /** Of the processes of the parts, in place of the weights that their units have on a server, and of commands. */
  readonly niceness?: Readonly<Record<PartName | "command", number>>;
  /** The command line of `unkey`: the program and its first arguments. */
  readonly program?: readonly string[];
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project of the test bed's workspace, with the key that may do anything in it. */
export interface TestProject {
  readonly id: string;
  readonly slug: string;
}

type PartName = "api" | "worker" | "krane" | "edge";

/** A process of a part beside the first one. */
export interface AnotherPart {
  readonly part: Part;
  readonly ports: OwnPorts;
}

/** A running platform. Dispose of it, or its processes and containers stay. */
export class Testbed implements AsyncDisposable {
  readonly directory: string;
  readonly ports: Ports;
  readonly masterKey = btoa("0123456789abcdef0123456789abcdef");
  readonly serviceToken = "test-service-token-0123456789abcdef";
  readonly region = `t${crypto.randomUUID().slice(0, 8)}`;
  readonly #options: TestbedOptions;
  readonly #restateIdentityKey: string;
  readonly parts: Record<"restate" | "api" | "worker" | "krane" | "edge", Part>;
  rootKey = "";
  workspaceId = "";
  #regionToken = "";
  #edgeToken = "";

  private constructor(directory: string, ports: Ports, restate: RestatePart, options: TestbedOptions) {
    this.directory = directory;
    this.ports = ports;
    this.#options = options;
    this.#restateIdentityKey = restate.identityKey;
    const { balancers } = options;
    const own = balancers === undefined ? ports : { ...ports, api: freePort(), edge: freePort() };
    balancers?.api.lead(own.api);
    balancers?.edge.lead(own.edge);
    const first = (name: PartName): Part => this.#process(name, own, this.#program());
    this.parts = {
      restate,
      api: first("api"),
      worker: first("worker"),
      krane: first("krane"),
      edge: first("edge"),
    };
  }

  /** One more process of a part, of a program and at ports of its own. The caller starts and ends it. */
  another(name: PartName, program: readonly string[] = this.#program()): AnotherPart {
    const ports = ownPorts();
    return { part: this.#process(name, ports, program), ports };
  }

  #process(name: PartName, ports: OwnPorts, program: readonly string[]): Part {
    const health = (port: number, path = "/health/ready"): string => `http://127.0.0.1:${port}${path}`;
    const parts = {
      api: { args: ["ctrl", "api"], env: () => this.#apiEnv(ports), healthUrl: health(ports.api) },
      worker: {
        args: ["ctrl", "worker"],
        env: () => this.#workerEnv(ports),
        healthUrl: health(ports.workerHealth),
      },
      krane: { args: ["krane"], env: () => this.#kraneEnv(ports), healthUrl: health(ports.krane) },
      edge: {
        args: ["frontline"],
        env: () => this.#edgeEnv(ports),
        healthUrl: health(ports.edge, "/_unkey/internal/health"),
      },
    };
    return this.#part(name, parts[name], program);
  }

  /** Starts every part and seeds a workspace with a root key. */
  static async start(options: TestbedOptions = {}): Promise<Testbed> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-testbed-" });
    const ports = {
      ...ownPorts(),
      ...options.balancers === undefined
        ? {}
        : { api: options.balancers.api.port, edge: options.balancers.edge.port },
      ingress: freePort(),
      admin: freePort(),
      node: freePort(),
    };
    const bed = new Testbed(directory, ports, await restatePart(directory, ports), options);
    try {
      await bed.parts.restate.start();
      await bed.parts.api.start();
      await bed.#seed();
      await Promise.all([bed.parts.worker.start(), bed.parts.krane.start(), bed.parts.edge.start()]);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get databaseUrl(): string {
    return this.#options.databaseUrl ?? `sqlite://${this.directory}/ctrl.db`;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.ports.api}`;
  }

  /** Stops all parts, removes the region's containers and all files. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of ["krane", "edge", "worker", "api", "restate"] as const) {
      await this.parts[name].kill(name === "restate" ? "SIGTERM" : "SIGINT");
    }
    for (const id of await this.containers()) await docker(["rm", "--force", "--volumes", id]);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Ids of all containers, running or not, that this test bed's region agent made. */
  async containers(): Promise<string[]> {
    const { stdout } = await docker([
      "ps",
      "--all",
      "--quiet",
      "--filter",
      `label=unkey.region=${this.region}`,
    ]);
    return stdout.split("\n").filter((id) => id !== "");
  }

  /** A new project; its environments are made with it. */
  async project(slug: string): Promise<TestProject> {
    const { project } = await this.admin(this.rootKey).createProject({ slug, name: slug });
    if (project === undefined) throw new Error("createProject answered without a project");
    return { id: project.id, slug: project.slug };
  }

  admin(token: string): ReturnType<typeof createRpcClient<typeof AdminService>> {
    return createRpcClient(AdminService, { baseUrl: this.apiUrl, token: new Secret(token) });
  }

  /** Runs the CLI with this test bed's address and key. */
  async unkey(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    const program = [...priority(this.#options.niceness?.command), ...this.#program()];
    return await this.unkeyOf(program, args, env);
  }

  /** The same with another program. */
  async unkeyOf(
    [program = "", ...first]: readonly string[],
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> {
    const command = new Deno.Command(program, {
      args: [...first, ...args],
      env: { ...this.cliEnv(), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await command.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  cliEnv(): Record<string, string> {
    return {
      UNKEY_API_BASE_URL: this.apiUrl,
      UNKEY_ROOT_KEY: this.rootKey,
      XDG_CONFIG_HOME: `${this.directory}/config`,
      XDG_CACHE_HOME: `${this.directory}/cache`,
      NO_COLOR: "1",
    };
  }

  /** Asks the edge for `url`'s host and path, without needing that host in DNS. */
  get(url: string): Promise<Answer> {
    return askEdge(this.ports.edge, url);
  }

  #program(): readonly string[] {
    return this.#options.program ??
      [Deno.execPath(), "run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, MAIN];
  }

  #part(
    name: PartName,
    { args, env, healthUrl }: {
      readonly args: readonly string[];
      readonly env: () => Record<string, string>;
      readonly healthUrl: string;
    },
    [command = "", ...first]: readonly string[],
  ): Part {
    return new Part({
      name,
      command,
      args: [...first, ...args],
      env,
      logFile: `${this.directory}/${name}.log`,
      niceness: this.#options.niceness?.[name],
      ready: () => answersOk(healthUrl),
    });
  }

  #shared(): Record<string, string> {
    return {
      UNKEY_DATABASE_PRIMARY: this.databaseUrl,
      UNKEY_AUTH_TOKEN: this.serviceToken,
      UNKEY_RESTATE_INGRESS_URL: `http://127.0.0.1:${this.ports.ingress}`,
      UNKEY_AVAILABLE_REGIONS: this.region,
      UNKEY_EDGE_URL: `http://localhost:${this.ports.edge}`,
      ...this.#options.objects ?? {
        UNKEY_BUILD_FILES_DIR: `${this.directory}/objects`,
        UNKEY_BUILD_FILES_SIGNING_KEY: "test-signing-key-0123456789abcdef",
        UNKEY_BUILD_FILES_URL: this.apiUrl,
      },
      UNKEY_VAULT_MASTER_KEYS: this.masterKey,
    };
  }

  #apiEnv({ api }: OwnPorts): Record<string, string> {
    return {
      ...this.#shared(),
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(api),
      UNKEY_ADVERTISE_URL: `http://127.0.0.1:${api}`,
      ...this.#options.apiEnv,
    };
  }

  #workerEnv({ worker, workerHealth }: OwnPorts): Record<string, string> {
    return {
      ...this.#shared(),
      UNKEY_RESTATE_IDENTITY_KEYS: this.#restateIdentityKey,
      UNKEY_BUILD_NETWORK: "trusted",
      UNKEY_WORKER_HTTP_PORT: String(workerHealth),
      UNKEY_RESTATE_HTTP_PORT: String(worker),
      UNKEY_RESTATE_ADMIN_URL: `http://127.0.0.1:${this.ports.admin}`,
      UNKEY_RESTATE_REGISTER_AS: `http://127.0.0.1:${worker}`,
      ...this.#options.workerEnv,
    };
  }

  #kraneEnv({ krane }: OwnPorts): Record<string, string> {
    return {
      UNKEY_CONTROL_PLANE_URL: this.apiUrl,
      UNKEY_CONTROL_PLANE_BEARER: this.#regionToken,
      UNKEY_REGION: this.region,
      UNKEY_HTTP_PORT: String(krane),
      UNKEY_KRANE_STATE_DIR: `${this.directory}/krane`,
      ...this.#options.kraneEnv,
    };
  }

  #edgeEnv({ edge }: OwnPorts): Record<string, string> {
    return {
      UNKEY_CONTROL_PLANE_URL: this.apiUrl,
      UNKEY_CONTROL_PLANE_BEARER: this.#edgeToken,
      UNKEY_REGION: this.region,
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(edge),
      UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
      ...this.#options.edgeEnv,
    };
  }

  async #seed(): Promise<void> {
    const operator = this.admin(this.serviceToken);
    const { workspaceId } = await operator.createWorkspace({ name: "Test", slug: "test" });
    this.workspaceId = workspaceId;
    const { key } = await operator.createRootKey({ workspaceId, name: "test", permissions: ["*"] });
    this.rootKey = key;
    // Ports of this machine, containers and pods.
    const networks = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12"];
    this.#regionToken = (await operator.createRegionToken({ region: this.region, networks })).token;
    this.#edgeToken = (await operator.createRegionToken({ region: "*" })).token;
  }
}

/** Runs the docker command line. */
export async function docker(args: readonly string[]): Promise<CommandResult> {
  const { code, stdout, stderr } = await new Deno.Command("docker", { args: [...args] }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Writes an app's files into a new folder below the test bed's. */
export async function writeApp(bed: Testbed, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: bed.directory, prefix: "app-" });
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  return folder;
}

/** Waits until the edge answers `url` with `text`. */
export async function answers(bed: Testbed, url: string, text: string): Promise<void> {
  await eventually(`${url} to answer "${text}"`, async () => {
    const { status, body } = await bed.get(url).catch(() => ({ status: 0, body: "" }));
    return status === 200 && body.includes(text);
  });
}
