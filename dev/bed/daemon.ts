/** Processes that outlive the script that starts them. A process is known by its id and its start time, so a reused id is never killed. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A process of the bed, as its file remembers it: enough to know it again, and to start it again. */
export interface Daemon extends Program {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's. */
  readonly startedTicks: string;
}

const READY_MS_MAX = 300_000;
const END_MS_MAX = 20_000;
const LOG_LINES = 15;

/** Starts a program in a session of its own, with its output in the log file. */
export async function launch(program: Program): Promise<Daemon> {
  const { name, command, args, env, logFile } = program;
  const log = openSync(logFile, "a");
  const child = spawn(command, [...args], {
    cwd: "/",
    detached: true,
    env: { ...Deno.env.toObject(), ...env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  child.unref();
  if (child.pid === undefined) throw new Error(`${name} has no process id`);
  const startedTicks = ticksOf(child.pid);
  if (startedTicks === undefined) throw new Error(`${name} ended at once.\n${lastLines(logFile)}`);
  return { name, command, args, env, logFile, pid: child.pid, startedTicks };
}

/** True while this very process runs: its id may belong to another one later. */
export function isAlive({ pid, startedTicks }: Daemon): boolean {
  return ticksOf(pid) === startedTicks;
}

/** Waits until `ready` answers true; when the process ends before, or the time is over, throws with its last log lines. */
export async function untilReady(daemon: Daemon, ready: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    if (!isAlive(daemon)) throw new Error(`${daemon.name} ended.\n${lastLines(daemon.logFile)}`);
    if (await ready()) return;
    if (performance.now() > deadline) {
      const waited = `${daemon.name} was not ready within ${READY_MS_MAX / 1_000} s.`;
      throw new Error(`${waited}\n${lastLines(daemon.logFile)}`);
    }
    await pause(50);
  }
}

/** Ends a process and waits until it is gone. After a while without effect it is killed. */
export async function end(daemon: Daemon): Promise<void> {
  send(daemon, "SIGTERM");
  if (!await gone(daemon, END_MS_MAX)) await kill(daemon);
}

/** Kills a process, which has no say in it, and waits until it is gone. */
export async function kill(daemon: Daemon): Promise<void> {
  send(daemon, "SIGKILL");
  if (await gone(daemon, END_MS_MAX)) return;
  throw new Error(`${daemon.name} (process ${daemon.pid}) does not end when it is killed`);
}

/** The end of a log, indented for the person who reads it. */
export function lastLines(logFile: string): string {
  let text = "";
  try {
    text = Deno.readTextFileSync(logFile).trimEnd();
  } catch {
    // Not written yet.
  }
  const lines = text === "" ? ["(empty)"] : text.split("\n").slice(-LOG_LINES);
  return [`Its log, ${logFile}, ends with:`, ...lines.map((line) => `  | ${line}`)].join("\n");
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function send(daemon: Daemon, signal: Deno.Signal): void {
  if (!isAlive(daemon)) return;
  try {
    Deno.kill(daemon.pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function gone(daemon: Daemon, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(daemon)) {
    if (performance.now() > deadline) return false;
    await pause(20);
  }
  return true;
}

/** The start time of a process, or `undefined` when there is none or only its corpse. */
function ticksOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return undefined;
  }
  // The second field is the program's name and may hold anything, so the count starts behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}
