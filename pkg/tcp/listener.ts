import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describeError, Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";

export interface TcpListenerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** A listening socket that this process was given; other processes may accept from it, too. The port is then its own. */
  readonly descriptor?: number | undefined;
  readonly log: Logger;
  /** Takes a connection, which is half open when the client ends its side. It may not throw. */
  readonly accepted: (socket: Socket, server: Server) => void;
  /** Makes a server, without listeners for connections, that accepts; a plain one by default. */
  readonly newServer?: (() => Server) | undefined;
  readonly times?: Partial<TcpTimes>;
}

/** Times in milliseconds. */
export interface TcpTimes {
  /** The pause after which a port that accepted nothing is probed. */
  readonly probeEveryMs: number;
  /** The longest time that a probe may wait for its acceptance. */
  readonly probeMsMax: number;
  /** The longest time without descriptors; then they leak, and only a new process has some. */
  readonly starvedMsMax: number;
}

const TIMES: TcpTimes = { probeEveryMs: 2_000, probeMsMax: 1_000, starvedMsMax: 300_000 };
const BACKLOG = 4_096;
/** A connection and the server that accepted it. */
interface Accepted {
  readonly socket: Socket;
  readonly server: Server;
}

/** Probes in a row that are not accepted until the port is opened again: a busy process is late, and accepts in the end. */
const MISSES_MAX = 2;
/** The same for a socket that other processes may accept from, such as the second edge of an upgrade: they take probes, too. */
const SHARED_MISSES_MAX = 15;
/** Times that the port is opened again without a probe that is accepted; then it is dead. */
const REOPENS_MAX = 5;

type Outcome = "accepted" | "missed" | "starved";

interface Probe {
  readonly socket: Socket;
  readonly accepted: () => void;
}

/**
 * Accepts connections for as long as the process lives. The runtime's own listener accepts nothing any more once it could not
 * accept for want of descriptors, and says nothing; so this one connects to its own port now and then, and opens the port
 * again when the probe is not accepted.
 */
export class TcpListener {
  readonly #options: TcpListenerOptions;
  readonly #times: TcpTimes;
  readonly #servers = new Set<Server>();
  #port = 0;
  #accepted = 0;
  #seen = 0;
  #probe: Probe | undefined;
  /** Connections that came while the port of the probe was not known yet. */
  #held: Accepted[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #misses = 0;
  #reopens = 0;
  /** Since when there are no descriptors. */
  #starvedMs: number | undefined;
  #closed = false;
  readonly #dead = Promise.withResolvers<void>();
  #death: Fault | undefined;

  private constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
  }

  /**
   * Begins to accept.
   *
   * @throws what the system says, with its `code`
   */
  static async open(options: TcpListenerOptions): Promise<TcpListener> {
    const listener = new TcpListener(options);
    listener.#port = await listener.#listen(options.port);
    // Where a process cannot reach its own port, a probe says nothing; where it shares the port, the first one does not either.
    if (options.descriptor !== undefined) listener.#plan(listener.#times.probeEveryMs);
    else if (await listener.#ask() === "accepted") listener.#plan(listener.#times.probeEveryMs);
    else options.log.warn("a port cannot be probed from its own process", { port: listener.#port });
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  /** Until `signal` aborts. Rejects when the port is dead, so that the process ends and is started again. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop, { once: true });
    await Promise.race([promise, this.#dead.promise]);
    signal.removeEventListener("abort", stop);
    if (this.#death !== undefined) throw this.#death;
  }

  /** Accepts nothing more; ends when the connections have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#probe?.socket.destroy();
    await Promise.all([...this.#servers].map((each) =>
      new Promise<void>((resolve) => {
        each.close(() => resolve());
      })
    ));
  }

  async #listen(port: number): Promise<number> {
    const server = this.#options.newServer?.() ??
      createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    server.on("connection", (socket) => this.#take({ socket, server }));
    const { host, descriptor } = this.#options;
    const place = descriptor === undefined ? { host, port } : { fd: descriptor };
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ ...place, backlog: BACKLOG }, () => resolve());
    });
    this.#servers.add(server);
    server.once("close", () => this.#servers.delete(server));
    return (server.address() as AddressInfo).port;
  }

  #take(accepted: Accepted): void {
    this.#accepted++;
    const { socket, server } = accepted;
    const probe = this.#probe;
    if (probe === undefined) return this.#options.accepted(socket, server);
    if (probe.socket.connecting) return void this.#held.push(accepted);
    if (!isOtherEnd(socket, probe.socket)) return this.#options.accepted(socket, server);
    socket.destroy();
    probe.accepted();
  }

  #plan(afterMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), afterMs);
  }

  async #look(): Promise<void> {
    const { probeEveryMs } = this.#times;
    if (this.#accepted !== this.#seen) {
      this.#seen = this.#accepted;
      this.#hears();
      return this.#plan(probeEveryMs);
    }
    const outcome = await this.#ask();
    this.#seen = this.#accepted;
    if (this.#closed) return;
    if (outcome === "accepted") {
      this.#hears();
      return this.#plan(probeEveryMs);
    }
    if (outcome === "starved") {
      if (this.#starve()) return;
      return this.#plan(probeEveryMs / 4);
    }
    this.#misses++;
    const missesMax = this.#options.descriptor === undefined ? MISSES_MAX : SHARED_MISSES_MAX;
    if (this.#misses >= missesMax || this.#starvedMs !== undefined) await this.#reopen();
    if (this.#death === undefined) this.#plan(this.#reopens > 0 ? probeEveryMs / 4 : probeEveryMs);
  }

  #hears(): void {
    if (this.#starvedMs !== undefined) {
      this.#options.log.info("descriptors are free again", { port: this.#port });
    }
    this.#starvedMs = undefined;
    this.#misses = 0;
    this.#reopens = 0;
  }

  /** Notes that there are no descriptors; true when there were none for too long. */
  #starve(): boolean {
    const nowMs = performance.now();
    if (this.#starvedMs !== undefined) {
      if (nowMs - this.#starvedMs <= this.#times.starvedMsMax) return false;
      this.#die("there were no descriptors for too long");
      return true;
    }
    this.#starvedMs = nowMs;
    const check = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower those of connections";
    this.#options.log.warn("descriptors ran out: connections are refused", { port: this.#port, check });
    return false;
  }

  /** Connects to the own port. */
  #ask(): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const socket = connect({ host: reachable(this.#options.host), port: this.#port });
    const done = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.destroy();
      if (this.#probe?.socket === socket) this.#probe = undefined;
      this.#release();
      resolve(outcome);
    };
    this.#probe = { socket, accepted: () => done("accepted") };
    const timer = setTimeout(() => done("missed"), this.#times.probeMsMax);
    socket.once("connect", () => {
      const own = this.#held.find((each) => isOtherEnd(each.socket, socket));
      this.#held = this.#held.filter((each) => each !== own);
      this.#release();
      if (own === undefined) return;
      own.socket.destroy();
      done("accepted");
    });
    socket.on("error", (error) => done(isStarved(error) ? "starved" : "missed"));
    socket.once("close", () => done("missed"));
    return promise;
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { socket, server } of held) this.#options.accepted(socket, server);
  }

  /** Connections that wait for the listener that accepts nothing are reset; those that were accepted go on. */
  async #reopen(): Promise<void> {
    const { log } = this.#options;
    if (this.#options.descriptor !== undefined) return this.#die("its socket was opened by another process");
    if (this.#reopens >= REOPENS_MAX) return this.#die("opening it again did not help");
    this.#reopens++;
    this.#misses = 0;
    for (const each of this.#servers) each.close();
    try {
      await this.#listen(this.#port);
      log.warn("a port that accepted nothing was opened again", { port: this.#port });
      if (this.#closed) await this.close();
    } catch (error) {
      log.warn("a port that accepted nothing cannot be opened again", {
        port: this.#port,
        error: describeError(error),
      });
      if (this.#reopens >= REOPENS_MAX) this.#die("it cannot be opened again", error);
    }
  }

  #die(why: string, cause?: unknown): void {
    const text =
      `Port ${this.#port} accepts no connections any more: ${why}. The process ends, to be started again.`;
    this.#death = new Fault("unavailable", text, { publicMessage: text, cause });
    this.#options.log.error("a port is dead: the process ends", { port: this.#port, why });
    this.#dead.resolve();
  }
}

function isOtherEnd(accepted: Socket, probe: Socket): boolean {
  return accepted.remotePort === probe.localPort && accepted.localPort === probe.remotePort;
}

function isStarved(error: Error): boolean {
  const code = "code" in error ? error.code : undefined;
  return code === "EMFILE" || code === "ENFILE" || /too many open files/i.test(error.message);
}

/** An address of this machine on which a listener at `host` hears. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
