import { ROOT_PATH, runCommand } from "./commands.ts";

/** A program that a test starts, with a folder of its own for everything that it writes. */
export interface DaemonOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The test's own without one. */
  readonly cwd?: string;
  /** Its output is appended there. */
  readonly logFile: string;
}

const READY_MS = 120_000;
const POLL_MS = 50;
const LOG_CHARACTERS_SHOWN = 2_000;

/** A running daemon of a test. */
export class TestDaemon {
  readonly #options: DaemonOptions;
  readonly #process: Deno.ChildProcess;
  #ended = false;

  private constructor(options: DaemonOptions, process: Deno.ChildProcess) {
    this.#options = options;
    this.#process = process;
    void process.status.then(() => this.#ended = true);
  }

  /** Starts it and waits until `isReady`; throws with the end of its output when it ends before or takes too long. */
  static async start(options: DaemonOptions, isReady: () => Promise<boolean>): Promise<TestDaemon> {
    const { command, args, env, cwd, logFile } = options;
    const process = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >>"$0" 2>&1', logFile, command, ...args],
      env: { PATH: ROOT_PATH, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const daemon = new TestDaemon(options, process);
    const deadline = performance.now() + READY_MS;
    while (!await isReady()) {
      if (daemon.#ended) throw await daemon.#problem("ended while it started");
      if (performance.now() > deadline) {
        await daemon.end("SIGKILL", 0);
        throw await daemon.#problem(`was not ready within ${READY_MS / 1_000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return daemon;
  }

  /** Sends the signal, and SIGKILL when it still runs after `timeoutMs`. */
  async end(signal: Deno.Signal, timeoutMs: number): Promise<void> {
    if (this.#ended) return;
    this.#process.kill(signal);
    const late = setTimeout(() => this.#process.kill("SIGKILL"), timeoutMs);
    await this.#process.status;
    clearTimeout(late);
  }

  async #problem(text: string): Promise<Error> {
    const log = await Deno.readTextFile(this.#options.logFile).catch(() => "");
    return new Error(`${this.#options.command} ${text}: ${log.slice(-LOG_CHARACTERS_SHOWN)}`);
  }
}

/** Kills all processes that have the path of this folder in their command line: a killed daemon leaves some. */
export async function killProcessesOf(folder: string): Promise<void> {
  for (const pid of await processesOf(folder)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** Processes that have the path of this folder in their command line. */
export async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while the list is read.
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (command.includes(folder)) found.push(Number(name));
  }
  return found;
}

/** Unmounts everything in the folder, which could not be removed otherwise. */
export async function unmountAll(folder: string): Promise<void> {
  for (const path of await mountsOf(folder)) {
    await runCommand("umount", "--lazy", path).catch(() => undefined);
  }
}

/** Mounted paths in the folder, the innermost first. */
export async function mountsOf(folder: string): Promise<string[]> {
  const lines = (await Deno.readTextFile("/proc/mounts")).split("\n");
  const paths = lines.map((line) => line.split(" ")[1] ?? "");
  return paths.filter((path) => path.startsWith(`${folder}/`)).toSorted().toReversed();
}
