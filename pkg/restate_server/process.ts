import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { kill, STOP_MS_MAX } from "./stale.ts";

export interface ProcessOptions {
  readonly binary: string;
  readonly baseDir: string;
  readonly logFile: string;
  /** Holds the key that requests to workers are signed with. */
  readonly identityFile: string;
}

/** The data belongs to a node of this name: another name would not find it again. */
export const NODE_NAME = "unkey";
const LOG_LINES = 12;
const LOG_BYTES = 16 * 1024;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** One process of the server, from its start to its end. */
export class ServerProcess {
  readonly pid: number;
  /** Resolves, when the process has ended, to how: `exit code 1` or `signal SIGKILL`. */
  readonly ended: Promise<string>;
  #running = true;
  readonly #logFile: string;
  readonly #logStart: number;

  constructor(pid: number, ended: Promise<string>, logFile: string, logStart: number) {
    this.pid = pid;
    this.ended = ended.then((how) => {
      this.#running = false;
      return how;
    });
    this.#logFile = logFile;
    this.#logStart = logStart;
  }

  /** Ends the process, by force when it does not end by itself in ten seconds. */
  async stop(clock: Clock): Promise<void> {
    if (!this.#running) return;
    kill(this.pid, "SIGTERM");
    const done = new AbortController();
    const force = clock.sleep(STOP_MS_MAX, done.signal).then(
      () => kill(this.pid, "SIGKILL"),
      () => undefined, // it ended by itself
    );
    await this.ended;
    done.abort();
    await force;
  }

  /** The last lines of this process. */
  async lastLines(): Promise<string> {
    const text = await readTail(this.#logFile, this.#logStart).catch(() => "");
    return text.trimEnd().split("\n").slice(-LOG_LINES).join("\n");
  }
}

/**
 * Starts the process; its output goes to the log file, so that nothing in this process can block it.
 *
 * It has a process group of its own: Ctrl-C in a terminal must reach us only, and we end it when its users have drained.
 */
export async function spawnServer(options: ProcessOptions): Promise<ServerProcess> {
  const { binary, baseDir, logFile, identityFile } = options;
  await rotate(logFile);
  const env = {
    RESTATE_BASE_DIR: baseDir,
    RESTATE_NODE_NAME: NODE_NAME,
    // Nothing asks for credentials: on a port, any user and any page in a browser could run workflows and read them.
    RESTATE_LISTEN_MODE: "unix",
    // By default it follows links to its folder, whose own path may be too long for a socket.
    RESTATE_ADVERTISED_ADDRESS: `unix:${join(baseDir, NODE_NAME, "fabric.sock")}`,
    RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: identityFile,
    RESTATE_LOG_FORMAT: "compact",
    // The last one looks for newer versions, which a pinned server has no use for.
    RESTATE_LOG_FILTER: "warn,restate=info,octocrab=off",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    RESTATE_DISABLE_TELEMETRY: "true",
    // Sized for one machine: the defaults are for a server that has the machine to itself.
    RESTATE_DEFAULT_NUM_PARTITIONS: "4",
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256MB",
    RESTATE_SHUTDOWN_TIMEOUT: "8s",
  };
  const log = openSync(logFile, "a", 0o600);
  const logStart = fstatSync(log).size;
  const child = spawn(binary, ["--no-logo"], { env, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  const ended = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  if (child.pid === undefined) {
    const cause = await ended.then(() => undefined, (error: unknown) => error);
    const text = `Cannot run Restate's server ${binary}. Remove the file and start again to get a new one.`;
    throw new Fault("failed_precondition", text, { publicMessage: text, cause });
  }
  return new ServerProcess(child.pid, ended, logFile, logStart);
}

async function rotate(logFile: string): Promise<void> {
  const info = await Deno.stat(logFile).catch(() => undefined); // there is none at the first start
  if (info !== undefined && info.size > LOG_BYTES_MAX) await Deno.rename(logFile, `${logFile}.1`);
}

async function readTail(path: string, from: number): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const start = Math.max(from, size - LOG_BYTES);
  await file.seek(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(Math.max(0, size - start));
  let read = 0;
  while (read < bytes.length) {
    const count = await file.read(bytes.subarray(read));
    if (count === null) break;
    read += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, read));
}
