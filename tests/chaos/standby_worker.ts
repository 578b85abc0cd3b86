/** Workers that die by a step and are there again at once: the next process has loaded its code already. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import type { WorkerPart } from "../integration/worker_bed.ts";
import type { PartOptions } from "../testbed/process.ts";
import { eventually } from "../testbed/wait.ts";

const PROGRAM = new URL("./crash_worker.ts", import.meta.url).pathname;

/** Where to die. */
export interface Crash {
  readonly at: number;
  readonly when: "before" | "after";
}

/** One process: it runs, or it waits to run. */
class WorkerProcess {
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[] = [];

  constructor({ command, env, logFile }: PartOptions) {
    const log = openSync(logFile, "a");
    const child = spawn(command, ["run", "-A", "--no-check", PROGRAM], {
      env: { ...Deno.env.toObject(), ...env() },
      stdio: ["pipe", "pipe", log],
    });
    closeSync(log);
    this.#child = child;
    this.gone = new Promise((resolve) => child.once("exit", () => resolve()));
    // A line for a process that has just died is answered by its end.
    child.stdin?.on("error", () => undefined);
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => this.#answers.shift()?.(line));
    }
  }

  /** The answer, or `undefined` when the process is gone. */
  async tell(line: string): Promise<string | undefined> {
    const answer = new Promise<string>((resolve) => this.#answers.push(resolve));
    this.#child.stdin?.write(`${line}\n`);
    return await Promise.race([answer, this.gone.then(() => undefined)]);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.gone;
  }
}

/** A worker with its successor. Whenever one dies while it is armed, the next one takes over at the same address. */
export class StandbyWorker implements WorkerPart {
  /** Number of times that it died by itself. */
  crashes = 0;
  readonly #part: PartOptions;
  #running: WorkerProcess | undefined;
  #standby: WorkerProcess;
  #stopped = false;
  #watch: Promise<void> = Promise.resolve();

  constructor(part: PartOptions) {
    this.#part = part;
    this.#standby = new WorkerProcess(part);
  }

  async start(): Promise<void> {
    await this.#next();
    await eventually("the worker to be ready", () => this.#part.ready());
  }

  /** Dies at a step, counted from now. */
  async arm({ at, when }: Crash): Promise<void> {
    await this.#running?.tell(`crash ${at} ${when}`);
  }

  /** Does not die any more; answers with the steps since it was armed, or `undefined` when it died. */
  async calm(): Promise<number | undefined> {
    const answer = await this.#running?.tell("calm");
    return answer === undefined ? undefined : Number(answer.split(" ")[1]);
  }

  async kill(): Promise<void> {
    this.#stopped = true;
    await this.#running?.kill();
    await this.#watch;
    await this.#standby.kill();
  }

  async logTail(lines = 40): Promise<string> {
    const text = await Deno.readTextFile(this.#part.logFile).catch(() => "");
    return text.split("\n").slice(-lines).join("\n");
  }

  async #next(): Promise<void> {
    const worker = this.#standby;
    this.#running = worker;
    await worker.tell("go");
    this.#standby = new WorkerProcess(this.#part);
    this.#watch = this.#succeed(worker);
  }

  async #succeed(worker: WorkerProcess): Promise<void> {
    await worker.gone;
    if (this.#stopped) return;
    this.crashes++;
    await this.#next();
  }
}
