import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { eventually } from "./wait.ts";

/** One part of the platform as a process of its own. */
export interface PartOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Read at each start. */
  readonly env: () => Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Below 0 it goes before other processes of the machine, which needs root. Default: as the test. */
  readonly niceness?: number | undefined;
  /** Resolves to true once the part does its work. */
  readonly ready: () => Promise<boolean>;
}

const READY_MS = 180_000;
const STOP_MS = 120_000;

/** The beginning of a command line whose process has a niceness, as all of its threads then have. */
export function priority(niceness: number | undefined): readonly string[] {
  return niceness === undefined ? [] : ["nice", "-n", String(niceness)];
}

/** A process that a test starts, kills and starts again. */
export class Part {
  #child: ChildProcess | undefined;
  readonly #options: PartOptions;

  constructor(options: PartOptions) {
    this.#options = options;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#options.name} is not running`);
    return pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process and waits until it is ready. */
  async start(): Promise<void> {
    const { command, args, env, logFile, niceness, ready, name } = this.#options;
    const log = openSync(logFile, "a");
    const [program = "", ...rest] = [...priority(niceness), command, ...args];
    const child = spawn(program, rest, {
      env: { ...Deno.env.toObject(), ...env() },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#child = child;
    await eventually(`${name} to be ready`, async () => {
      if (!this.running) throw new Error(`${name} ended at start:\n${await this.logTail()}`);
      return await ready();
    }, { deadlineMs: READY_MS }).catch(async (error: unknown) => {
      throw new Error(`${name} did not become ready:\n${await this.logTail()}`, { cause: error });
    });
  }

  /** Ends the process with `signal` and waits until it is gone. */
  async kill(signal: "SIGKILL" | "SIGTERM" | "SIGINT"): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(timer);
  }

  async logTail(lines = 40): Promise<string> {
    const text = await Deno.readTextFile(this.#options.logFile).catch(() => "");
    return text.split("\n").slice(-lines).join("\n");
  }
}
