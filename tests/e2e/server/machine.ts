/** A rented server: a bare Debian 12 with its own systemd, in the network namespace of this process. */
import { type CommandResult, outputOf, runCommand } from "../../../pkg/testkit/commands.ts";
import { TestDaemon, unmountAll } from "../../../pkg/testkit/daemon.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const STOP_MS = 20_000;

export interface MachineOptions {
  /** Paths outside and where they are shown inside. */
  readonly shown: Readonly<Record<string, string>>;
}

/** Its disk stays over a reboot, and goes with it. */
export class Machine implements AsyncDisposable {
  readonly #folder: string;
  readonly #options: MachineOptions;
  #daemon: TestDaemon | undefined;
  #pid = 0;

  private constructor(folder: string, options: MachineOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** A new one that does not run yet. */
  static async create(options: MachineOptions): Promise<Machine> {
    const base = (await runCommand(`${ROOT}dev/parts/debian_root.sh`)).trim();
    const folder = await Deno.makeTempDir({ prefix: "unkey-server-" });
    for (const each of ["upper", "work", "root"]) await Deno.mkdir(`${folder}/${each}`);
    const layers = `lowerdir=${base},upperdir=${folder}/upper,workdir=${folder}/work`;
    await runCommand("mount", "-t", "overlay", "-o", layers, "overlay", `${folder}/root`);
    return new Machine(folder, options);
  }

  /** A path of its disk, as this process reaches it. */
  path(inside: string): string {
    return `${this.#folder}/root${inside}`;
  }

  /** Boots it, and waits until its services have been started. */
  async boot(): Promise<void> {
    const pidFile = `${this.#folder}/pid`;
    await Deno.remove(pidFile).catch(() => undefined);
    const shown = Object.entries(this.#options.shown).map(([from, to]) => `${from}=${to}`);
    const boot = `${ROOT}tests/e2e/server/boot.sh`;
    this.#daemon = await TestDaemon.start({
      command: "unshare",
      args: [
        ...["--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--cgroup"],
        ...["sh", "-c", 'echo started >"$0"; exec "$@"', pidFile, boot, this.path(""), ...shown],
      ],
      logFile: `${this.#folder}/console.log`,
    }, () => this.#isUp());
  }

  /** Runs a command inside. */
  async run(command: readonly string[], stdin?: string): Promise<CommandResult> {
    const into = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd=/"];
    const env = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "NO_COLOR=1"];
    const inside = ["env", "-i", "--chdir=/", ...env, ...command];
    return await outputOf("nsenter", ["--target", String(this.#pid), ...into, ...inside], stdin);
  }

  /** The same; throws with all of its output when it fails. */
  async must(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(command);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Kills every process, as a power cut does. */
  async cut(): Promise<void> {
    await this.#daemon?.end("SIGKILL", STOP_MS);
    this.#daemon = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
    await unmountAll(this.#folder);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #isUp(): Promise<boolean> {
    this.#pid = await firstProcess(this.path(""));
    if (this.#pid === 0) return false;
    const { stdout } = await this.run(["systemctl", "is-system-running"]);
    return ["running", "degraded"].includes(stdout.trim());
  }
}

/** The systemd whose namespaces were made for `folder`; 0 when it does not run yet. */
async function firstProcess(folder: string): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await Deno.readTextFile(`/proc/${name}/status`).catch(() => "");
    if (!/^NSpid:\s+\d+\s+1$/m.test(status)) continue;
    const mounts = await Deno.readTextFile(`/proc/${name}/mountinfo`).catch(() => "");
    if (mounts.includes(folder.replace(/\/root$/, "/upper"))) return Number(name);
  }
  return 0;
}
