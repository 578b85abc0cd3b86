/**
 * A Docker Engine of a test's own: stopping it does not disturb other tests.
 *
 * ```ts
 * await using engine = await PrivateEngine.open({ engine: "29", imageStore: "containerd" });
 * ```
 *
 * @module
 */
import { removeCgroup } from "./cgroup.ts";
import { canRun, PARTS_CACHE, ROOT_PATH, runCommand } from "./commands.ts";
import { killProcessesOf, TestDaemon, unmountAll } from "./daemon.ts";
import { containerdAnswers, containerdConfig, removeShimSockets } from "./private_containerd.ts";

/** "20.10" is the `dockerd` on PATH, Debian's; "29" is the newest, built by `dev/parts/docker_engine.sh`. */
export type EngineKind = "20.10" | "29";

/** Settings of an engine. */
export interface PrivateEngineOptions {
  /** Default: "20.10". */
  readonly engine?: EngineKind;
  /** Where Engine 29 keeps images; default: "containerd", as in a new installation. "20.10" has only the classic one. */
  readonly imageStore?: "classic" | "containerd";
  /** `host:port` of a registry without TLS that the engine asks in place of Docker Hub. */
  readonly mirror?: string;
  /** Keeps its data on a disk in memory of this size; default: in the folder for temporary files. */
  readonly diskMib?: number;
  /**
   * Keeps its networks apart with rules of the firewall, as an engine does. For a network namespace of a test's own, where
   * no other engine has rules.
   */
  readonly firewall?: boolean;
}

/** An engine that gives up on its containers leaves their file systems mounted, and cannot remove them afterwards. */
const SHUTDOWN_SECONDS = 90;
const STOP_MS = (SHUTDOWN_SECONDS + 30) * 1_000;
const CONTAINERD_STOP_MS = 30_000;
/** The folder that `dev/parts/docker_engine.sh` prints. */
const ENGINE_29 = `${PARTS_CACHE}/docker-engine-29.2.0-runc-1.4.0-containerd-2.4.2`;

/** True when one can be started here: it needs root, `ip`, and `dockerd` or the programs built by `dev/parts/docker_engine.sh`. */
export async function canStartEngine(kind: EngineKind = "20.10"): Promise<boolean> {
  if (kind === "20.10") return await canRun([["dockerd", "--version"], ["ip", "link"]]);
  const programs = ["dockerd", "runc", "containerd"].map((name) =>
    [`${ENGINE_29}/${name}`, "--version"] as const
  );
  return await canRun([...programs, ["ip", "link"]]);
}

/** Has its own socket, data and bridge, and Engine 29 its own containerd; nothing of it is left after disposal. */
export class PrivateEngine implements AsyncDisposable {
  /** The name of its network interface, and of the cgroup of its containers. */
  readonly bridge: string;
  readonly #kind: EngineKind;
  /** Everything that it writes is in there. */
  readonly directory: string;
  readonly #firewall: boolean;
  #engine: TestDaemon | undefined;
  #containerd: TestDaemon | undefined;

  private constructor(kind: EngineKind, directory: string, bridge: string, firewall: boolean) {
    this.#kind = kind;
    this.#firewall = firewall;
    this.directory = directory;
    this.bridge = bridge;
  }

  /** Starts an engine in a new folder. */
  static async open(options: PrivateEngineOptions = {}): Promise<PrivateEngine> {
    const { engine: kind = "20.10" } = options;
    if (kind === "20.10" && options.imageStore === "containerd") {
      throw new Error('Docker Engine 20.10 has only the classic image store: ask for engine "29"');
    }
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint8Array(2));
    const directory = await Deno.makeTempDir({ prefix: "unkey-dockerd-" });
    const engine = new PrivateEngine(kind, directory, `ukt${high}x${low}`, options.firewall ?? false);
    try {
      await ip("link", "add", "name", engine.bridge, "type", "bridge");
      await ip("addr", "add", `10.${200 + high % 50}.${low}.1/24`, "dev", engine.bridge);
      await ip("link", "set", engine.bridge, "up");
      if (options.diskMib !== undefined) await engine.#mountDisk(options.diskMib);
      await engine.#writeSettings(options);
      await engine.start();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  /** Images, containers and the build cache. */
  get dataFolder(): string {
    return `${this.directory}/data`;
  }

  get host(): string {
    return `unix://${this.directory}/socket`;
  }

  /** Starts it again with the same data, and waits until it answers. */
  async start(): Promise<void> {
    if (this.#kind === "29") await this.#startContainerd();
    const directory = this.directory;
    this.#engine = await TestDaemon.start({
      command: this.#kind === "29" ? `${ENGINE_29}/dockerd` : "dockerd",
      args: [
        `--config-file=${directory}/daemon.json`,
        `--data-root=${this.dataFolder}`,
        `--exec-root=${directory}/exec`,
        `--pidfile=${directory}/pid`,
        `--host=${this.host}`,
        `--bridge=${this.bridge}`,
        `--iptables=${this.#firewall}`,
        "--ip-masq=false",
        `--containerd-namespace=${this.bridge}`,
        `--containerd-plugins-namespace=${this.bridge}-plugins`,
        `--cgroup-parent=/${this.bridge}`,
        `--shutdown-timeout=${SHUTDOWN_SECONDS}`,
        "--log-level=error",
        ...this.#kind === "29"
          ? [
            "--ip6tables=false",
            `--containerd=${directory}/containerd.sock`,
            `--userland-proxy-path=${ENGINE_29}/docker-proxy`,
          ]
          : [],
      ],
      env: { PATH: this.#path },
      logFile: `${directory}/dockerd.log`,
    }, () => this.#answers());
  }

  /** Stops it as a machine's shutdown does; its containers stop with it. */
  async stop(): Promise<void> {
    await this.#engine?.end("SIGTERM", STOP_MS);
    this.#engine = undefined;
    await this.#containerd?.end("SIGTERM", CONTAINERD_STOP_MS);
    this.#containerd = undefined;
    // After a SIGKILL it could not remove it, and the next one would think that it runs.
    await Deno.remove(`${this.directory}/pid`).catch(() => undefined);
  }

  /** Ends it as a crash does: its containers run on. */
  async kill(): Promise<void> {
    await this.#engine?.end("SIGKILL", STOP_MS);
    await this.#containerd?.end("SIGKILL", STOP_MS);
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await killProcessesOf(this.directory);
    await removeCgroup(this.bridge);
    await removeShimSockets(this.directory);
    await unmountAll(this.directory);
    // A start that failed may not have come to it.
    await ip("link", "del", this.bridge).catch(() => undefined);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Engine 29 finds its own `runc` before Debian's. */
  get #path(): string {
    return this.#kind === "29" ? `${ENGINE_29}:${ROOT_PATH}` : ROOT_PATH;
  }

  /** Disposal unmounts it, as it does what the engine mounted. */
  async #mountDisk(mebibytes: number): Promise<void> {
    await Deno.mkdir(this.dataFolder);
    await runCommand("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "unkey-test", this.dataFolder);
  }

  async #writeSettings({ mirror, imageStore = "containerd" }: PrivateEngineOptions): Promise<void> {
    const directory = this.directory;
    const settings = {
      ...mirror === undefined ? {} : { "registry-mirrors": [`http://${mirror}`] },
      ...this.#kind === "29" ? { features: { "containerd-snapshotter": imageStore === "containerd" } } : {},
    };
    await Deno.writeTextFile(`${directory}/daemon.json`, JSON.stringify(settings));
    if (this.#kind === "20.10") return;
    await Deno.writeTextFile(`${directory}/containerd.toml`, containerdConfig(directory));
  }

  async #startContainerd(): Promise<void> {
    const directory = this.directory;
    this.#containerd = await TestDaemon.start({
      command: `${ENGINE_29}/containerd`,
      args: [`--config=${directory}/containerd.toml`],
      env: { PATH: this.#path },
      logFile: `${directory}/containerd.log`,
    }, () => containerdAnswers(`${ENGINE_29}/ctr`, directory));
  }

  async #answers(): Promise<boolean> {
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${this.directory}/socket` } });
    try {
      return (await (await fetch("http://docker/_ping", { client })).text()) === "OK";
    } catch {
      return false;
    } finally {
      client.close();
    }
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await runCommand("ip", ...args);
}
