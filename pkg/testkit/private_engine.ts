/** A Docker Engine of a test's own, which it may stop and start without hurting anybody. */

const READY_MS = 120_000;
/** An engine that gives up on its containers leaves their file systems mounted, and cannot remove them afterwards. */
const SHUTDOWN_SECONDS = 90;
const STOP_MS = (SHUTDOWN_SECONDS + 30) * 1_000;

/** Whether one can be started here: it needs root and `dockerd`. */
export async function canStartEngine(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  for (const command of [["dockerd", "--version"], ["ip", "link"]] as const) {
    const [name, ...args] = command;
    try {
      const { success } = await new Deno.Command(name, { args, stdout: "null", stderr: "null" }).output();
      if (!success) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** Has its own socket, data and bridge; nothing of it is left after disposal. */
export class PrivateEngine implements AsyncDisposable {
  readonly #directory: string;
  readonly #bridge: string;
  #process: Deno.ChildProcess | undefined;

  private constructor(directory: string, bridge: string) {
    this.#directory = directory;
    this.#bridge = bridge;
  }

  /** Starts an engine in a new folder. */
  static async open(): Promise<PrivateEngine> {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint8Array(2));
    const bridge = `ukt${high}x${low}`;
    await ip("link", "add", "name", bridge, "type", "bridge");
    await ip("addr", "add", `10.${200 + high % 50}.${low}.1/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    const engine = new PrivateEngine(await Deno.makeTempDir({ prefix: "unkey-dockerd-" }), bridge);
    try {
      await engine.start();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  get host(): string {
    return `unix://${this.#directory}/socket`;
  }

  /** Starts it again with the same data, and waits until it answers. */
  async start(): Promise<void> {
    const directory = this.#directory;
    this.#process = new Deno.Command("dockerd", {
      args: [
        `--data-root=${directory}/data`,
        `--exec-root=${directory}/exec`,
        `--pidfile=${directory}/pid`,
        `--host=${this.host}`,
        `--bridge=${this.#bridge}`,
        "--iptables=false",
        "--ip-masq=false",
        `--containerd-namespace=${this.#bridge}`,
        `--containerd-plugins-namespace=${this.#bridge}-plugins`,
        `--shutdown-timeout=${SHUTDOWN_SECONDS}`,
        "--log-level=error",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const deadline = performance.now() + READY_MS;
    while (!await this.#answers()) {
      if (performance.now() > deadline) throw new Error("the private Docker Engine does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Stops it as a machine's shutdown does; its containers stop with it. */
  async stop(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.kill("SIGTERM");
    const late = setTimeout(() => process.kill("SIGKILL"), STOP_MS);
    await process.status;
    clearTimeout(late);
    // After a SIGKILL it could not remove it, and the next one would think that it runs.
    await Deno.remove(`${this.#directory}/pid`).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#killRest();
    for (const path of await this.#mounts()) {
      await new Deno.Command("umount", { args: ["--lazy", path], stderr: "null" }).output();
    }
    await ip("link", "del", this.#bridge);
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** What a killed engine left behind; its processes carry the path of this folder. */
  async #killRest(): Promise<void> {
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // A process may end while the list is read.
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      if (command.includes(this.#directory)) Deno.kill(Number(name), "SIGKILL");
    }
  }

  /** Mounted paths in this folder, the innermost first. */
  async #mounts(): Promise<string[]> {
    const lines = (await Deno.readTextFile("/proc/mounts")).split("\n");
    const paths = lines.map((line) => line.split(" ")[1] ?? "");
    return paths.filter((path) => path.startsWith(`${this.#directory}/`)).toSorted().toReversed();
  }

  async #answers(): Promise<boolean> {
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${this.#directory}/socket` } });
    try {
      return (await (await fetch("http://docker/_ping", { client })).text()) === "OK";
    } catch {
      return false;
    } finally {
      client.close();
    }
  }
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args, stdout: "null", stderr: "piped" })
    .output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
