import { connect, type Socket } from "node:net";
import { CODE, Http2Connection } from "../http2/mod.ts";
import { Http2Link } from "./http2_link.ts";
import type { UpstreamLink } from "./link.ts";
import type { Pool, PoolOptions } from "./pool.ts";
import type { Upstream } from "./types.ts";

/** Connections to one listener; each carries many requests. */
const CONNECTIONS_MAX = 16;
/** Requests of one connection, also when the app allows more. */
const STREAMS_MAX = 100;
/** Response bytes that a client has not taken: of one request, and of all of a connection. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
const HEAD_BYTES_MAX = 64 * 1024;

/** The outcome of an opening: one of the two is called, unless it is given up. */
export interface OpenResult {
  opened(link: UpstreamLink): void;
  unreachable(cause: string): void;
}

interface Session {
  readonly upstream: Upstream;
  readonly connection: Http2Connection;
  readonly socket: Socket;
  used: boolean;
  /** It takes no more requests. */
  leaving: boolean;
  busyMs: number;
}

interface Dial {
  readonly socket: Socket;
  readonly deadlineMs: number;
  readonly waiting: Set<OpenResult>;
  readonly fail: (cause: string) => void;
}

/** HTTP/2 connections without TLS to apps that speak it (prior knowledge), by key. */
export class Http2Pool {
  readonly #options: PoolOptions;
  readonly #pool: Pool;
  readonly #sessions = new Map<string, Set<Session>>();
  readonly #dials = new Map<string, Dial>();

  /** `pool` counts the requests of each key. */
  constructor(options: PoolOptions, pool: Pool) {
    this.#options = options;
    this.#pool = pool;
  }

  /** Finds room for a request on a connection, or makes one. Returns how to give up. */
  open(upstream: Upstream, fresh: boolean, result: OpenResult): () => void {
    const session = fresh ? undefined : this.#free(upstream.key);
    if (session !== undefined) {
      result.opened(this.#link(session));
      return () => undefined;
    }
    const known = this.#sessions.get(upstream.key)?.size ?? 0;
    if (known >= CONNECTIONS_MAX) {
      result.unreachable(`all ${CONNECTIONS_MAX} HTTP/2 connections are full`);
      return () => undefined;
    }
    const dial = this.#dials.get(upstream.key) ?? this.#dial(upstream);
    dial.waiting.add(result);
    return () => void dial.waiting.delete(result);
  }

  #free(key: string): Session | undefined {
    for (const each of this.#sessions.get(key) ?? []) {
      const { connection } = each;
      if (!each.leaving && connection.takesStreams && connection.size < STREAMS_MAX) return each;
    }
    return undefined;
  }

  #link(session: Session): UpstreamLink {
    const { connection, upstream, used } = session;
    session.used = true;
    session.busyMs = this.#options.clock.now();
    return new Http2Link(this.#pool, { connection, upstream, used });
  }

  #dial(upstream: Upstream): Dial {
    const { clock, limits } = this.#options;
    const { host, port, key } = upstream;
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    const waiting = new Set<OpenResult>();
    const fail = (cause: string): void => {
      if (this.#dials.get(key)?.socket === socket) this.#dials.delete(key);
      socket.destroy();
      for (const each of waiting) each.unreachable(cause);
    };
    const refused = (error: Error): void => fail(error.message);
    socket.once("error", refused);
    socket.once("connect", () => {
      if (this.#dials.get(key)?.socket !== socket) return void socket.destroy();
      this.#dials.delete(key);
      socket.on("error", () => undefined);
      socket.removeListener("error", refused);
      const session = this.#begin(upstream, socket);
      for (const each of waiting) each.opened(this.#link(session));
    });
    const dial = { socket, deadlineMs: clock.now() + limits.dialMsMax, waiting, fail };
    this.#dials.set(key, dial);
    return dial;
  }

  #begin(upstream: Upstream, socket: Socket): Session {
    const { clock } = this.#options;
    const sessions = this.#sessions.get(upstream.key) ?? new Set();
    this.#sessions.set(upstream.key, sessions);
    const connection = new Http2Connection({
      socket,
      limits: {
        streamsMax: 0,
        headBytesMax: HEAD_BYTES_MAX,
        streamWindowBytes: STREAM_WINDOW_BYTES,
        connectionWindowBytes: CONNECTION_WINDOW_BYTES,
      },
      nowMs: () => clock.now(),
      closed: () => {
        sessions.delete(session);
        if (sessions.size === 0) this.#sessions.delete(upstream.key);
        socket.destroySoon();
      },
    });
    const session: Session = {
      upstream,
      connection,
      socket,
      used: false,
      leaving: false,
      busyMs: clock.now(),
    };
    sessions.add(session);
    return session;
  }

  /** Lets the connections of `key` take no more requests. */
  retire(key: string): void {
    for (const each of this.#sessions.get(key) ?? []) each.leaving = true;
  }

  /** Ends dials that take too long, and connections that are not needed. */
  sweep(): void {
    const { clock, limits } = this.#options;
    const nowMs = clock.now();
    for (const { deadlineMs, fail } of [...this.#dials.values()]) {
      if (deadlineMs <= nowMs) fail(`no connection within ${limits.dialMsMax} ms`);
    }
    for (const each of [...this.#sessions.values()].flatMap((sessions) => [...sessions])) {
      if (each.connection.size > 0) each.busyMs = nowMs;
      else if (
        each.leaving || each.connection.peerLeaving || nowMs - each.busyMs > limits.idleUpstreamMsMax
      ) {
        each.connection.fail({ code: CODE.none, text: "" });
      }
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const { fail } of [...this.#dials.values()]) fail("the proxy closes");
    for (const each of [...this.#sessions.values()].flatMap((sessions) => [...sessions])) {
      each.socket.destroy();
    }
  }
}
