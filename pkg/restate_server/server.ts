import { dirname, join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault, publicFault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { backoffMs } from "../retry/mod.ts";
import { type ProcessOptions, type RestatePorts, type ServerProcess, spawnServer } from "./process.ts";
import { requestIdentity } from "./request_identity.ts";
import { endStaleServer, forgetServer, rememberServer } from "./stale.ts";

export type { RestatePorts };

export interface RestateServerOptions {
  /** From `findRestateServer`. */
  readonly binary: string;
  /** Holds all data; a second start on it continues where the first ended. */
  readonly baseDir: string;
  /** 0 chooses a free port. Ports should stay the same from start to start. */
  readonly ports: RestatePorts;
  /** Appended to, and put aside at the start when it has grown beyond 10 MB. */
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gives up the start. A started server is ended by `stop`. */
  readonly signal: AbortSignal;
}

/** A running server. */
export interface RestateServer {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly ports: RestatePorts;
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
const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 5_000;

/**
 * Starts the server and waits until it answers. From then on it is started again when it dies, after a growing pause.
 *
 * @throws `failed_precondition` when a port is taken, `unavailable` with its last lines when it ends or does not answer
 */
export async function startRestateServer(options: RestateServerOptions): Promise<RestateServer> {
  const { baseDir, logFile, clock, log, signal } = options;
  await Deno.mkdir(baseDir, { recursive: true, mode: 0o700 });
  await Deno.mkdir(dirname(logFile), { recursive: true });
  const stale = await endStaleServer(baseDir, clock, signal);
  if (stale !== undefined) log.warn("restate server of a killed process ended", { pid: stale });

  const identityFile = join(baseDir, IDENTITY_FILE);
  const identityKey = await requestIdentity(identityFile);
  const chosen = { ...options, ports: choosePorts(options.ports), identityFile };
  return new SupervisedServer(chosen, identityKey, await launchServer(chosen, signal));
}

type LaunchOptions = RestateServerOptions & ProcessOptions;

/** Keeps one server running until it is stopped. */
class SupervisedServer implements RestateServer {
  readonly ports: RestatePorts;
  readonly identityKey: string;
  readonly ended: Promise<void>;
  readonly #options: LaunchOptions;
  readonly #stop = new AbortController();
  #process: ServerProcess;

  constructor(options: LaunchOptions, identityKey: string, process: ServerProcess) {
    this.ports = options.ports;
    this.identityKey = identityKey;
    this.#options = options;
    this.#process = process;
    this.ended = this.#supervise();
    this.ended.catch(() => undefined); // a caller that does not wait for it must not crash
  }

  get ingressUrl(): string {
    return `http://127.0.0.1:${this.ports.ingress}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.ports.admin}`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("stopping"));
    await this.#process.stop(this.#options.clock);
    await this.ended.catch(() => undefined); // reported to the caller that waits for it
    await forgetServer(this.#options.baseDir);
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
      if (deaths >= DEATHS_MAX) throw await diedFault(this.#process, how);
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

/** One process that answers. None is left running after an error. */
async function launchServer(
  options: LaunchOptions,
  signal: AbortSignal,
  onSpawn?: (process: ServerProcess) => void,
): Promise<ServerProcess> {
  const process = await spawnServer(options);
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
  { ports, clock }: RestateServerOptions,
  signal: AbortSignal,
): Promise<void> {
  const died = process.ended.then(async (how) => {
    throw await diedFault(process, how);
  });
  died.catch(() => undefined); // it may die much later, after the wait here
  const deadlineMs = clock.now() + READY_MS_MAX;
  const urls = [`http://127.0.0.1:${ports.admin}/health`, `http://127.0.0.1:${ports.ingress}/restate/health`];
  for (const url of urls) {
    while (!(await Promise.race([answers(url, signal), died]))) {
      if (clock.now() > deadlineMs) {
        const lines = await process.lastLines();
        throw publicFault("unavailable", `Restate's server did not answer for ${READY_MS_MAX} ms:\n${lines}`);
      }
      await Promise.race([clock.sleep(POLL_MS, signal), died]);
    }
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS_MAX)]);
    const response = await fetch(url, { signal: limit });
    await response.body?.cancel();
    return response.ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function diedFault(process: ServerProcess, how: string): Promise<Fault> {
  const text = `Restate's server ended with ${how}:\n${await process.lastLines()}`;
  return publicFault("unavailable", text);
}

/** Free ports for those that are 0; the others must be free, since the server's own complaint about it is hard to read. */
function choosePorts(wanted: RestatePorts): RestatePorts {
  const listeners: Deno.Listener[] = [];
  const choose = (port: number): number => {
    try {
      const listener = Deno.listen({ hostname: "127.0.0.1", port, transport: "tcp" });
      listeners.push(listener);
      return listener.addr.transport === "tcp" ? listener.addr.port : port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      throw publicFault("failed_precondition", `Port ${port}, which Restate's server needs, is taken.`);
    }
  };
  try {
    return { ingress: choose(wanted.ingress), admin: choose(wanted.admin), node: choose(wanted.node) };
  } finally {
    for (const listener of listeners) listener.close();
  }
}
