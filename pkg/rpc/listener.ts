/**
 * HTTP/1.1 and HTTP/2 with prior knowledge on one port: HTTP/1.1 by Node's server, HTTP/2 by `pkg/http2`.
 *
 * `Deno.serve` would do both, but costs 50 KiB more for each response that is streamed: a ring of a thousand places for
 * chunks, of which a watch stream uses one. With a thousand agents that is most of what the process needs. It also ends
 * the process when there are no descriptors for a connection; `node:http2` did under load (decision 0026).
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as TcpServer, Socket } from "node:net";
import type { Logger } from "../logger/mod.ts";
import {
  type CountLimits,
  type Excess,
  networkOf,
  SharedCount,
  TcpListener,
  type TcpTimes,
} from "../tcp/mod.ts";
import type { TlsServer } from "../tls/mod.ts";
import { noteClientAddress } from "./client_address.ts";
import { Http1Connection } from "./http1_connection.ts";
import { Http2Session } from "./http2_session.ts";
import type { HttpTimes, NodeHandler } from "./node_http.ts";

/** Where and for how many clients to listen. */
export interface HttpListenOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly log: Logger;
  readonly times: HttpTimes;
  /** Connections of all clients, and of one. */
  readonly connections: CountLimits;
  /** True for addresses of many clients, which have no bound of their own. */
  readonly isShared: (address: string) => boolean;
  readonly tcpTimes?: Partial<TcpTimes> | undefined;
  /** The port takes TLS, and nothing else. */
  readonly tls?: TlsServer | undefined;
}

const SWEEP_MS = 1_000;
/** The first bytes of HTTP/2; no request of HTTP/1.1 begins like this. */
const PREFACE = "PRI";
const REFUSALS: Record<Excess, string> = {
  all: refusal(
    "503 Service Unavailable",
    "The server has no room for another connection: try again in a moment.",
  ),
  key: refusal("429 Too Many Requests", "Your address has too many connections to this server: close some."),
};

interface Connection {
  readonly socket: Socket;
  sweep(nowMs: number): void;
  leave(): void;
}

/** Accepts connections. */
export class HttpListener {
  readonly #times: HttpTimes;
  /** The listeners with which each server serves HTTP/1.1: it serves only connections that it accepted by itself. */
  readonly #serveHttp1 = new WeakMap<TcpServer, (socket: Socket) => void>();
  readonly #handle: NodeHandler;
  /** Begins a handshake; absent where the port takes no TLS. */
  readonly #handshake: ((raw: Socket) => void) | undefined;
  /** The servers that accepted the connections whose handshakes are under way. */
  readonly #handshakes = new WeakMap<Socket, TcpServer>();
  /** Connections that have not said yet which version they speak, and since when they are there. */
  readonly #undecided = new Map<Socket, number>();
  readonly #connections = new Map<Socket, Connection>();
  readonly #count: SharedCount;
  readonly #isShared: (address: string) => boolean;
  #tcp: TcpListener | undefined;
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #stopping = false;

  private constructor({ times, connections, isShared, tls }: HttpListenOptions, handle: NodeHandler) {
    this.#times = times;
    this.#count = new SharedCount(connections);
    this.#isShared = isShared;
    this.#handle = handle;
    this.#handshake = tls?.acceptor({
      handshakeMsMax: times.headMsMax,
      ready: (socket, raw) => {
        this.#undecided.delete(raw);
        const server = this.#handshakes.get(raw);
        if (server !== undefined) this.#begin(socket, server);
      },
    });
  }

  /**
   * Listens; `port` 0 takes a free one.
   *
   * @throws what the system says, with its `code`
   */
  static async open(options: HttpListenOptions, handle: NodeHandler): Promise<HttpListener> {
    const listener = new HttpListener(options, handle);
    const { hostname: host, port, log, tcpTimes: times = {} } = options;
    const accepted = (socket: Socket, server: TcpServer): void => listener.#accept(socket, server);
    const newServer = (): TcpServer => listener.#newServer();
    listener.#tcp = await TcpListener.open({ host, port, log, accepted, newServer, times });
    const { headMsMax } = options.times;
    listener.#sweeper = setInterval(() => listener.#sweep(), Math.min(SWEEP_MS, headMsMax / 4));
    return listener;
  }

  get port(): number {
    return this.#tcp?.port ?? 0;
  }

  /** Until `signal` aborts; rejects when the port is dead. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#tcp?.run(signal);
  }

  /** Accepts nothing more, and ends when the calls that are under way have. */
  async close(): Promise<void> {
    this.#stopping = true;
    const closed = this.#tcp?.close();
    for (const socket of this.#undecided.keys()) socket.destroy();
    for (const each of this.#connections.values()) each.leave();
    await closed;
    clearInterval(this.#sweeper);
  }

  /** Cuts what is left. */
  cut(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
    for (const socket of this.#undecided.keys()) socket.destroy();
  }

  /** A server of Node that reads HTTP/1.1, once a connection has said that it speaks that. */
  #newServer(): Server {
    const { keepAliveMs: keepAliveTimeout } = this.#times;
    const server = createServer({
      keepAlive: true,
      keepAliveTimeout,
      // Of the runtime it also ends connections that rest between requests; `Http1Connection` has the times of heads.
      headersTimeout: 0,
      // An upload takes as long as it takes.
      requestTimeout: 0,
    }, (request, response) => this.#serve(request, response));
    const own = server.listeners("connection");
    server.removeAllListeners("connection");
    this.#serveHttp1.set(server, (socket) => own.forEach((each) => each.call(server, socket)));
    return server;
  }

  #accept(socket: Socket, server: TcpServer): void {
    socket.on("error", ignore);
    const client = networkOf(socket.remoteAddress ?? "");
    const unbounded = this.#isShared(client);
    const excess = this.#stopping ? "all" : this.#count.take(client, { unbounded });
    if (excess !== undefined) {
      // In clear text it could not be read where TLS is spoken.
      if (this.#handshake !== undefined) return void socket.destroy();
      socket.write(REFUSALS[excess]);
      return void socket.destroySoon();
    }
    socket.once("close", () => this.#count.give(client));
    if (this.#handshake === undefined) return this.#begin(socket, server);
    this.#handshakes.set(socket, server);
    this.#undecided.set(socket, performance.now());
    socket.once("close", () => this.#undecided.delete(socket));
    this.#handshake(socket);
  }

  /** Takes a connection on which HTTP begins. */
  #begin(socket: Socket, server: TcpServer): void {
    socket.on("error", ignore);
    if (this.#stopping) return void socket.destroy();
    this.#undecided.set(socket, performance.now());
    socket.once("close", () => {
      this.#undecided.delete(socket);
      this.#connections.delete(socket);
    });
    this.#decide(socket, server, Buffer.alloc(0));
  }

  /** Waits for the first bytes, and for more when they could be of either version. */
  #decide(socket: Socket, server: TcpServer, before: Buffer): void {
    socket.once("readable", () => {
      const more: Buffer | null = socket.read();
      // It ended without a word, or in the middle of one.
      if (more === null) return void socket.destroy();
      const first = before.length === 0 ? more : Buffer.concat([before, more]);
      const begin = first.toString("latin1", 0, PREFACE.length);
      if (begin !== PREFACE && PREFACE.startsWith(begin)) return this.#decide(socket, server, first);
      this.#undecided.delete(socket);
      socket.unshift(first);
      if (begin === PREFACE) {
        this.#connections.set(socket, new Http2Session(socket, this.#times, this.#handle));
        return;
      }
      this.#connections.set(socket, new Http1Connection(socket, this.#times));
      this.#serveHttp1.get(server)?.(socket);
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    noteClientAddress(request.headers, request.socket.remoteAddress);
    const connection = this.#connections.get(request.socket);
    if (connection instanceof Http1Connection) {
      connection.began();
      response.once("close", () => connection.ended());
      if (this.#stopping) response.shouldKeepAlive = false;
    }
    this.#handle(request, response);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const [socket, sinceMs] of this.#undecided) {
      if (nowMs - sinceMs > this.#times.headMsMax) socket.destroy();
    }
    for (const each of [...this.#connections.values()]) each.sweep(nowMs);
  }
}

function refusal(status: string, text: string): string {
  const body = `${text}\n`;
  const fields =
    `Content-Type: text/plain\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: ${body.length}`;
  return `HTTP/1.1 ${status}\r\n${fields}\r\n\r\n${body}`;
}

/** A client that goes away is no event: the end of the response reports it. */
export function ignore(): void {}
