/**
 * HTTP/1.1 and HTTP/2 with prior knowledge on one port, by Node's servers.
 *
 * `Deno.serve` would do both, but costs 50 KiB more for each response that is streamed: a ring of a thousand places for
 * chunks, of which a watch stream uses one. With a thousand agents that is most of what the process needs.
 */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";

/** A request of either version of HTTP. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** And where its answer goes. */
export type NodeResponse = ServerResponse | Http2ServerResponse;
/** The common part of the responses of both versions. */
export interface Outgoing extends Writable {
  readonly headersSent: boolean;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** In HTTP/2 they leave by themselves. */
  flushHeaders?(): void;
  /** Of HTTP/2, whose response does not know what became of it. */
  readonly stream?: { readonly destroyed: boolean };
}
/** Answers a request. It may neither throw nor reject. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

const HEAD_MS_MAX = 60_000;
const SWEEP_MS = 15_000;
/** Longer than clients keep a connection for their next call, so that none is closed while they begin to use it. */
const KEEP_ALIVE_MS = 120_000;
const STREAMS_PER_SESSION_MAX = 1_000;
const BACKLOG = 4_096;
/** The first bytes of HTTP/2; no request of HTTP/1.1 begins like this. */
const PREFACE = "PRI";

/** Accepts connections. */
export class HttpListener {
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #serveHttp1: (socket: Socket) => void;
  /** Connections that have not said yet which version they speak, and since when they are there. */
  readonly #undecided = new Map<Socket, number>();
  #sweeper: ReturnType<typeof setInterval> | undefined;
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor(handle: NodeHandler) {
    this.#http1 = createServer({
      keepAlive: true,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEAD_MS_MAX,
      // An upload takes as long as it takes.
      requestTimeout: 0,
    }, handle);
    this.#http2 = createHttp2Server({ settings: { maxConcurrentStreams: STREAMS_PER_SESSION_MAX } }, handle);
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    const own = this.#http1.listeners("connection");
    this.#serveHttp1 = (socket) => own.forEach((each) => each.call(this.#http1, socket));
    this.#http1.removeAllListeners("connection");
    this.#http1.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * Listens; `port` 0 takes a free one.
   *
   * @throws what the system says, with its `code`
   */
  static async open(at: { hostname: string; port: number }, handle: NodeHandler): Promise<HttpListener> {
    const listener = new HttpListener(handle);
    await new Promise<void>((resolve, reject) => {
      listener.#http1.once("error", reject);
      listener.#http1.listen({ host: at.hostname, port: at.port, backlog: BACKLOG }, () => resolve());
    });
    listener.#sweeper = setInterval(() => listener.#sweep(), SWEEP_MS);
    return listener;
  }

  get port(): number {
    const address = this.#http1.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Accepts nothing more, and ends when the calls that are under way have. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http1.close(() => resolve()));
    clearInterval(this.#sweeper);
    for (const socket of this.#undecided.keys()) socket.destroy();
    for (const session of this.#sessions) session.close();
    await closed;
  }

  /** Cuts what is left. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
    this.#http1.closeAllConnections();
  }

  #accept(socket: Socket): void {
    const forget = (): void => void this.#undecided.delete(socket);
    this.#undecided.set(socket, performance.now());
    socket.on("error", ignore);
    socket.once("close", forget);
    let first = new Uint8Array();
    const decide = (): void => {
      const more: Uint8Array | null = socket.read();
      // It ended without a word, or in the middle of one.
      if (more === null) return void socket.destroy();
      first = first.length === 0 ? new Uint8Array(more) : new Uint8Array([...first, ...more]);
      const begin = String.fromCharCode(...first.subarray(0, PREFACE.length));
      if (begin !== PREFACE && PREFACE.startsWith(begin)) return void socket.once("readable", decide);
      forget();
      socket.off("close", forget);
      socket.unshift(first);
      if (begin === PREFACE) this.#http2.emit("connection", socket);
      else this.#serveHttp1(socket);
    };
    socket.once("readable", decide);
  }

  #sweep(): void {
    const beforeMs = performance.now() - HEAD_MS_MAX;
    for (const [socket, sinceMs] of this.#undecided) if (sinceMs < beforeMs) socket.destroy();
  }
}

/** A client that goes away is no event: the end of the response reports it. */
export function ignore(): void {}
