import { dirname, join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault, publicFault } from "../fault/mod.ts";
import { bytesFree } from "../files/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { backoffMs } from "../retry/mod.ts";
import { askAt } from "../unix_http/mod.ts";
import { type ProcessOptions, type ServerProcess, spawnServer } from "./process.ts";
import { requestIdentity } from "./request_identity.ts";
import { Sockets } from "./sockets.ts";
import { endStaleServer, forgetServer, rememberServer } from "./stale.ts";

export interface RestateServerOptions {
  /** From `findRestateServer`. */
  readonly binary: string;
  /** Holds all data; a second start on it continues where the first ended. */
  readonly baseDir: string;
  /** Appended to, and put aside at the start when it has grown beyond 10 MB. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gives up the start. A started server is ended by `stop`. */
  readonly signal: AbortSignal;
}

/** A running server. */
export interface RestateServer {
  /** `unix:///…`, like the other one. */
  readonly ingressUrl: string;
  readonly adminUrl: string;
  /** For workers, so that they take requests from this server only. It stays the same from start to start. */
  readonly identityKey: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Resolves after `stop`; rejects with `unavailable` when the server dies again and again. */
  readonly ended: Promise<void>;
  /** Ends the server and waits until it is gone. */
  stop(): Promise<void>;
}

const IDENTITY_FILE = "request_identity.pem";
const READY_MS_MAX = 60_000;
const POLL_MS = 25;
const HEALTH_MS_MAX = 2_000;
/** Deaths in a row before it is given up; one that served this long begins a new count. */
const DEATHS_MAX = 5;
const STEADY_MS = 60_000;
/** With less on its disk, the server's death is the disk's fault. */
const ROOM_BYTES_MIN = 32 * 1024 * 1024;
const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 5_000;

/**
 * Starts the server and waits until it answers. From then on it is started again when it dies, after a growing pause.
 *
 * @throws `unavailable` with its last lines when it ends or does not answer
 */
export async function startRestateServer(options: RestateServerOptions): Promise<RestateServer> {
  const { baseDir, logFile, clock, log, signal } = options;
  await Deno.mkdir(baseDir, { recursive: true, mode: 0o700 });
  await Deno.mkdir(dirname(logFile), { recursive: true });
  const stale = await endStaleServer(baseDir, clock, signal);
  if (stale !== undefined) log.warn("restate server of a killed process ended", { pid: stale });

  const identityFile = join(baseDir, IDENTITY_FILE);
  const identityKey = await requestIdentity(identityFile);
  const sockets = await Sockets.open(baseDir);
  const chosen = { ...options, sockets, identityFile };
  try {
    return new SupervisedServer(chosen, identityKey, await launchServer(chosen, signal));
  } catch (error) {
    await sockets.close();
    throw error;
  }
}

type LaunchOptions = RestateServerOptions & ProcessOptions & { readonly sockets: Sockets };

/** Keeps one server running until it is stopped. */
class SupervisedServer implements RestateServer {
  readonly identityKey: string;
  readonly ended: Promise<void>;
  readonly #options: LaunchOptions;
  readonly #stop = new AbortController();
  #process: ServerProcess;

  constructor(options: LaunchOptions, identityKey: string, process: ServerProcess) {
    this.identityKey = identityKey;
    this.#options = options;
    this.#process = process;
    this.ended = this.#supervise();
    this.ended.catch(() => undefined); // a caller that does not wait for it must not crash
  }

  get ingressUrl(): string {
    return this.#options.sockets.ingressUrl;
  }

  get adminUrl(): string {
    return this.#options.sockets.adminUrl;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopping"));
    await this.#process.stop(this.#options.clock);
    await this.ended.catch(() => undefined); // reported to the caller that waits for it
    await forgetServer(this.#options.baseDir);
    await this.#options.sockets.close();
  }

  async #supervise(): Promise<void> {
    const { clock, log } = this.#options;
    let deaths = 0;
    for (;;) {
      const startedMs = clock.now();
      const how = await this.#process.ended;
      if (this.#stop.signal.aborted) return;
      deaths = clock.now() - startedMs > STEADY_MS ? 1 : deaths + 1;
      log.warn("restate server died", { pid: this.pid, how, deaths });
      // On a full disk it dies at once, and lives again as soon as there is room: apps must not go down with it.
      if (deaths >= DEATHS_MAX && !await isFull(this.#options.baseDir)) {
        throw await diedFault(this.#process, how);
      }
      try {
        await clock.sleep(backoffMs(deaths, RESTART_FIRST_MS, RESTART_MAX_MS), this.#stop.signal);
        await launchServer(this.#options, this.#stop.signal, (process) => void (this.#process = process));
        log.info("restate server started again", { pid: this.pid });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        log.warn("restate server did not start again", { error: describeError(error) });
      }
    }
  }
}

async function isFull(folder: string): Promise<boolean> {
  return (await bytesFree(folder) ?? Infinity) < ROOM_BYTES_MIN;
}

/** One process that answers. None is left running after an error. */
async function launchServer(
  options: LaunchOptions,
  signal: AbortSignal,
  onSpawn?: (process: ServerProcess) => void,
): Promise<ServerProcess> {
  const process = await spawnServer({ ...options, baseDir: options.sockets.baseDir });
  onSpawn?.(process);
  try {
    await rememberServer(options.baseDir, process.pid);
    await waitUntilHealthy(process, options, signal);
    return process;
  } catch (error) {
    await process.stop(options.clock);
    await forgetServer(options.baseDir);
    throw error;
  }
}

async function waitUntilHealthy(
  process: ServerProcess,
  { sockets, clock }: LaunchOptions,
  signal: AbortSignal,
): Promise<void> {
  const died = process.ended.then(async (how) => {
    throw await diedFault(process, how);
  });
  died.catch(() => undefined); // it may die much later, after the wait here
  const deadlineMs = clock.now() + READY_MS_MAX;
  const probes = [[sockets.adminUrl, "/health"], [sockets.ingressUrl, "/restate/health"]] as const;
  for (const [url, path] of probes) {
    while (!(await Promise.race([answers(url, path, signal), died]))) {
      if (clock.now() > deadlineMs) {
        const lines = await process.lastLines();
        throw publicFault("unavailable", `Restate's server did not answer for ${READY_MS_MAX} ms:\n${lines}`);
      }
      await Promise.race([clock.sleep(POLL_MS, signal), died]);
    }
  }
}

async function answers(url: string, path: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS_MAX)]);
    return (await askAt(url, path, { signal: limit })).ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function diedFault(process: ServerProcess, how: string): Promise<Fault> {
  const text = `Restate's server ended with ${how}:\n${await process.lastLines()}`;
  return publicFault("unavailable", text);
}
