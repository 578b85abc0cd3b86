import type { Socket } from "node:net";
import { publicFault } from "../fault/mod.ts";
import { networkOf, SharedCount, TcpListener } from "../tcp/mod.ts";
import { ClientConnection } from "./client.ts";
import { type Core, reportFailure } from "./core.ts";
import { latin1 } from "./body.ts";
import { answerHead } from "./forward.ts";
import { Http2Client } from "./http2_client.ts";
import { Http2Pool } from "./http2_pool.ts";
import { type ClientPeer, type ClientSide, plainAddress } from "./peer.ts";
import { Pool } from "./pool.ts";
import { takeProxyHeader } from "./proxy_header.ts";
import { reset } from "./reset.ts";
import { Shares } from "./shares.ts";
import { TlsListener, type TlsOptions } from "./tls_listener.ts";
import type { ProxyOptions } from "./types.ts";

const SWEEP_MS_MAX = 500;
const SWEEP_MS_MIN = 10;
/** Connections that are asked, in the order in which they came, to make room for a new one. */
const ASKED_MAX = 64;

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** A listening socket that this process was started with; host and port are not used then. */
  readonly descriptor?: number | undefined;
  /** The setting to name when the port is taken, e.g. `--http-port (UNKEY_HTTP_PORT)`. */
  readonly portSetting: string;
  /** Serves HTTPS, with HTTP/1.1 and HTTP/2; without it HTTP/1.1 in clear text. */
  readonly tls?: TlsOptions;
}

/** A reverse proxy; see the package's description. */
export class Proxy {
  readonly #core: Core;
  readonly #connections = new Set<ClientSide>();
  /** Connections whose TLS handshake is not complete. */
  readonly #handshakes = new Set<Socket>();
  readonly #listeners: TcpListener[] = [];
  readonly #clients: SharedCount;

  constructor(options: ProxyOptions) {
    const pool = new Pool(options);
    const http2Pool = new Http2Pool(options, pool);
    this.#core = { options, pool, http2Pool, shares: new Shares(options), stopping: false };
    this.#clients = new SharedCount({ max: Infinity, perKeyMax: options.limits.connectionsPerClientMax });
  }

  /** The number of client connections. */
  get connections(): number {
    return this.#connections.size + this.#handshakes.size;
  }

  /** The number of requests that run on an upstream. */
  load(key: string): number {
    return this.#core.pool.load(key);
  }

  /** Keeps no connection to `key` any longer than its running requests; for listeners that leave. */
  retire(key: string): void {
    this.#core.pool.retire(key);
    this.#core.http2Pool.retire(key);
  }

  /**
   * Begins to accept connections, beside those of ports that were given before.
   *
   * @returns the port
   * @throws `failed_precondition` when the port is taken or not allowed
   */
  async listen({ host, port, descriptor, portSetting, tls }: ListenOptions): Promise<number> {
    const secure = tls && this.#secureListener(tls);
    const accepted = (socket: Socket): void => this.#accept(socket, secure);
    try {
      const listener = await TcpListener.open({
        host,
        port,
        descriptor,
        log: this.#core.options.log,
        accepted,
      });
      this.#listeners.push(listener);
      return listener.port;
    } catch (error) {
      const text = descriptor === undefined
        ? `Cannot listen on ${host}:${port}: ${reasonOf(error)}. ` +
          `Stop what uses it, or choose another port with ${portSetting}.`
        : `Cannot listen on file descriptor ${descriptor}: ${
          reasonOf(error)
        }. It must be a listening TCP socket.`;
      throw publicFault("failed_precondition", text, error);
    }
  }

  /** Until `signal` aborts. Rejects when a port accepts nothing any more: the process should end. */
  async watch(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#listeners.map((each) => each.run(signal)));
  }

  #secureListener({ contextOf }: TlsOptions): TlsListener {
    return new TlsListener({
      contextOf,
      handshakeMsMax: this.#core.options.limits.headMsMax,
      ready: ({ socket, raw, address, protocol }) => {
        this.#handshakes.delete(raw);
        const peer: ClientPeer = { socket, address, scheme: "https", abort: () => reset(raw) };
        this.#serve(peer, protocol);
      },
    });
  }

  /** Enforces the time limits until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#core.options;
    const shortest = Math.min(limits.headMsMax, limits.dialMsMax, limits.bodyStallMsMax, limits.lingerMsMax);
    const everyMs = Math.max(SWEEP_MS_MIN, Math.min(SWEEP_MS_MAX, shortest / 4));
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined);
      this.#sweep();
    }
  }

  #sweep(): void {
    const nowMs = this.#core.options.clock.now();
    this.#core.pool.sweep();
    this.#core.http2Pool.sweep();
    for (const each of [...this.#connections]) each.sweep(nowMs);
  }

  /**
   * Accepts nothing more, lets running requests end and their responses be sent for `drainMs` milliseconds, then cuts
   * off the rest. Until then it enforces the time limits, whether `run` still does or not.
   */
  async close(drainMs: number): Promise<void> {
    const { clock } = this.#core.options;
    this.#core.stopping = true;
    const closed = Promise.all(this.#listeners.map((each) => each.close()));
    const untilMs = clock.now() + drainMs;
    for (;;) {
      for (const each of [...this.#connections]) each.retire();
      this.#sweep();
      if (this.connections === 0 || clock.now() >= untilMs) break;
      await clock.sleep(SWEEP_MS_MIN);
    }
    for (const each of [...this.#connections, ...this.#handshakes]) each.destroy();
    this.#core.pool.close();
    this.#core.http2Pool.close();
    await closed;
  }

  #accept(socket: Socket, secure: TlsListener | undefined): void {
    // A connection that was accepted in the moment of a stop is served: its client has no way to know.
    if (!this.#hasRoom()) return this.#decline(socket, secure, "too_many_connections");
    const { limits, fromBalancer } = this.#core.options;
    const address = plainAddress(socket.remoteAddress ?? "");
    if (fromBalancer?.(address) !== true) return this.#start({ socket, address, secure });
    this.#await(socket);
    takeProxyHeader(socket, limits.headMsMax, (clientAddress) => {
      this.#handshakes.delete(socket);
      this.#start({ socket, address: clientAddress ?? address, secure });
    });
  }

  /** False when there are too many connections, and none of the oldest is idle. */
  #hasRoom(): boolean {
    if (this.connections < this.#core.options.limits.connectionsMax) return true;
    let asked = 0;
    for (const each of this.#connections) {
      if (each.yield()) return true;
      if (++asked >= ASKED_MAX) break;
    }
    return false;
  }

  /** Counts a connection that cannot have a request yet. */
  #await(socket: Socket): void {
    this.#handshakes.add(socket);
    socket.once("close", () => this.#handshakes.delete(socket));
  }

  #start(
    { socket, address, secure }: {
      readonly socket: Socket;
      readonly address: string;
      readonly secure: TlsListener | undefined;
    },
  ): void {
    const client = networkOf(address);
    const unbounded = this.#core.options.trusts(address);
    if (this.#clients.take(client, { unbounded }) !== undefined) {
      return this.#decline(socket, secure, "too_many_from_client");
    }
    socket.once("close", () => this.#clients.give(client));
    if (secure === undefined) {
      return this.#serve(
        { socket, address, scheme: "http", abort: () => reset(socket) },
        "http/1.1",
      );
    }
    this.#await(socket);
    secure.accept(socket, address);
  }

  #serve(peer: ClientPeer, protocol: "h2" | "http/1.1"): void {
    const gone = (client: ClientSide): void => void this.#connections.delete(client);
    this.#connections.add(
      protocol === "h2"
        ? new Http2Client(this.#core, peer, gone)
        : new ClientConnection(this.#core, peer, gone),
    );
  }

  #decline(
    socket: Socket,
    secure: TlsListener | undefined,
    why: "too_many_connections" | "too_many_from_client",
  ): void {
    // Before a handshake there is no way to say why.
    if (secure !== undefined) return void socket.destroy();
    const { newRequestId, onStatus } = this.#core.options;
    const id = newRequestId();
    const answer = reportFailure(this.#core, { kind: why, detail: DETAILS[why] }, { id });
    onStatus(answer.status);
    socket.on("error", () => undefined);
    const body = new TextEncoder().encode(answer.body);
    socket.write(latin1(answerHead(answer, { requestId: id, length: body.length, close: true })));
    socket.write(body);
    socket.destroySoon();
  }
}

const DETAILS = {
  too_many_connections: "The edge takes no more connections.",
  too_many_from_client: "Your address has as many connections as it may have.",
};

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") return "the port is in use";
  if (code === "EACCES") return "this user may not use the port";
  return error.message;
}
