/**
 * A BuildKit daemon of a test's own, built by `dev/parts/buildkit.sh`.
 *
 * ```ts
 * await using daemon = await TestBuildkit.start({ plainHttp: [registry.name] });
 * ```
 *
 * @module
 */
import { basename, join } from "node:path";
import { addCertificate, type CertificateFiles, makeCertificate } from "./certificate.ts";
import { removeCgroup } from "./cgroup.ts";
import { canRun, PARTS_CACHE, runCommand } from "./commands.ts";
import { killProcessesOf, TestDaemon, unmountAll } from "./daemon.ts";
import { canIsolate, IsolatedNetwork } from "./isolated_network.ts";
import { freePort } from "./ports.ts";
import { writeRuncWrapper } from "./runc_wrapper.ts";

const STOP_MS = 60_000;
const PROGRAM = `${PARTS_CACHE}/bin/buildkitd-0.34.0`;
const CLIENT = `${PARTS_CACHE}/bin/buildctl-0.34.0`;

/** Settings of a daemon. */
export interface TestBuildkitOptions {
  /** Registries that speak no TLS, as `host:port`. */
  readonly plainHttp: readonly string[];
  /** Default: "tcp", or "unix" when it is isolated. "tls" is TCP with certificates on both sides. */
  readonly listen?: "tcp" | "unix" | "tls";
  /** `host:port` of a registry without TLS that is asked in place of Docker Hub. */
  readonly mirror?: string;
  /**
   * The daemon and its steps cannot reach this machine, private networks and link-local addresses. The control
   * connection is a unix socket: steps could reach a TCP port of the daemon.
   */
  readonly isolated?: boolean;
  /** `host:port` that an isolated daemon reaches all the same, e.g. its registries. */
  readonly allow?: readonly string[];
}

/** True when one can be started here: it must have been built, and needs root, `runc` and `jq`; isolated more. */
export async function canStartBuildkit(options: { readonly isolated?: boolean } = {}): Promise<boolean> {
  const found = await canRun([PROGRAM, CLIENT, "runc", "jq"].map((name) => [name, "--version"] as const));
  return found && (options.isolated !== true || await canIsolate());
}

/** A running daemon. Dispose of it, or it stays. */
export class TestBuildkit implements AsyncDisposable {
  /** `tcp://host:port`, or `unix:///path`. */
  readonly url: string;
  /** With `listen: "tls"`: the client's certificate and key, and the authority to trust. */
  readonly certificates: CertificateFiles | undefined;
  /** Everything that it writes is in there; the cgroup of its steps has the same name. */
  readonly directory: string;
  readonly #server: CertificateFiles | undefined;
  /** The network of an isolated daemon. */
  readonly network: IsolatedNetwork | undefined;
  #process: TestDaemon | undefined;

  private constructor(directory: string, parts: Parts) {
    this.directory = directory;
    this.url = parts.port === undefined
      ? `unix://${directory}/buildkitd.sock`
      : `tcp://127.0.0.1:${parts.port}`;
    this.certificates = parts.client;
    this.#server = parts.server;
    this.network = parts.network;
  }

  static async start(options: TestBuildkitOptions): Promise<TestBuildkit> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-buildkit-" });
    let daemon: TestBuildkit | undefined;
    try {
      await writeRuncWrapper(join(directory, "runc"), "runc");
      await Deno.writeTextFile(join(directory, "buildkitd.toml"), settings(basename(directory), options));
      daemon = new TestBuildkit(directory, await prepare(directory, options));
      await daemon.resume();
      return daemon;
    } catch (error) {
      await (daemon?.[Symbol.asyncDispose]() ?? Deno.remove(directory, { recursive: true }));
      throw error;
    }
  }

  /** Starts it again, with its cache. */
  async resume(): Promise<void> {
    const directory = this.directory;
    const program = [
      PROGRAM,
      `--addr=${this.url}`,
      `--root=${directory}/root`,
      `--config=${directory}/buildkitd.toml`,
      "--oci-worker=true",
      "--containerd-worker=false",
      `--oci-worker-binary=${directory}/runc`,
      ...this.#server === undefined ? [] : [
        `--tlscert=${this.#server.certificate}`,
        `--tlskey=${this.#server.privateKey}`,
        `--tlscacert=${this.#server.authority}`,
      ],
    ];
    const [command = PROGRAM, ...args] = this.network?.inside(...program) ?? program;
    await Deno.remove(`${directory}/buildkitd.sock`).catch(() => undefined);
    this.#process = await TestDaemon.start(
      { command, args, logFile: join(directory, "buildkitd.log") },
      () => this.#listens(),
    );
  }

  /** Runs BuildKit's own client with these arguments, e.g. `build`; throws with its output when it fails. */
  async client(...args: readonly string[]): Promise<string> {
    const { certificate, privateKey, authority } = this.certificates ?? {};
    const tls = certificate === undefined
      ? []
      : [`--tlscert=${certificate}`, `--tlskey=${privateKey}`, `--tlscacert=${authority}`];
    // Without the credentials of this machine's user.
    const env = `DOCKER_CONFIG=${this.directory}/client`;
    return await runCommand("env", env, CLIENT, `--addr=${this.url}`, ...tls, ...args);
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGTERM");
    await killProcessesOf(this.directory);
    await removeCgroup(basename(this.directory));
    await unmountAll(this.directory);
    await this.network?.[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }

  async #end(signal: Deno.Signal): Promise<void> {
    await this.#process?.end(signal, STOP_MS);
    this.#process = undefined;
  }

  async #listens(): Promise<boolean> {
    const { protocol, port, pathname: path } = new URL(this.url);
    try {
      const connection = protocol === "unix:"
        ? await Deno.connect({ transport: "unix", path })
        : await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
      connection.close();
      return true;
    } catch {
      return false;
    }
  }
}

/** Parts of a daemon beside its folder. */
interface Parts {
  /** Not with a unix socket. */
  readonly port?: number;
  readonly server?: CertificateFiles;
  readonly client?: CertificateFiles;
  readonly network?: IsolatedNetwork;
}

async function prepare(directory: string, options: TestBuildkitOptions): Promise<Parts> {
  const { isolated = false, listen = isolated ? "unix" : "tcp", allow = [] } = options;
  if (isolated && listen !== "unix") {
    throw new Error("An isolated BuildKit daemon listens on a unix socket only.");
  }
  if (isolated) return { network: await IsolatedNetwork.open({ allow }) };
  if (listen === "unix") return {};
  if (listen === "tcp") return { port: freePort() };
  const folder = join(directory, "tls");
  const names = ["DNS:localhost", "IP:127.0.0.1"];
  const server = await makeCertificate(folder, names);
  return { port: freePort(), server, client: await addCertificate(folder, names, "client-") };
}

function settings(cgroup: string, { plainHttp, mirror }: TestBuildkitOptions): string {
  const plain = [...plainHttp, ...mirror === undefined ? [] : [mirror]];
  return [
    `[worker.oci]\n  defaultCgroupParent = "${cgroup}"\n`,
    ...plain.map((name) => `[registry."${name}"]\n  http = true\n`),
    ...mirror === undefined ? [] : [`[registry."docker.io"]\n  mirrors = ["${mirror}"]\n`],
  ].join("");
}
