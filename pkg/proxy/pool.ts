import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import type { Clock } from "../clock/mod.ts";
import type { ProxyLimits, Upstream } from "./types.ts";

/** The present user of a connection to an upstream. */
export interface UpstreamUser {
  /** `bytes` are valid during the call only: their memory is used for the next read. */
  received(bytes: Buffer): void;
  /** No more bytes will come. */
  ended(): void;
  /** The connection is broken. */
  failed(cause: string): void;
  /** More can be written. */
  drained(): void;
}

/** One connection to an upstream; at any time it has one user or is idle in the pool. */
export class UpstreamConnection {
  readonly socket: Socket;
  readonly upstream: Upstream;
  /** True if it served a request before. */
  used = false;
  idleSinceMs = 0;
  user: UpstreamUser | undefined;
  #ended = false;

  constructor(socket: Socket, upstream: Upstream) {
    this.socket = socket;
    this.upstream = upstream;
    socket.on("end", () => {
      this.#ended = true;
      if (this.user !== undefined) this.user.ended();
      else this.destroy();
    });
    socket.on("drain", () => this.user?.drained());
    socket.on("error", (error: Error) => this.#broken(error.message));
    socket.on("close", () => this.#broken("closed"));
  }

  /** Takes what was read. */
  received(bytes: Buffer): void {
    if (this.user !== undefined) this.user.received(bytes);
    else this.destroy();
  }

  /** True if a request may still be sent on it. */
  get alive(): boolean {
    return !this.#ended && !this.socket.destroyed && this.socket.writable;
  }

  destroy(): void {
    this.user = undefined;
    this.socket.destroy();
  }

  #broken(cause: string): void {
    const { user } = this;
    this.user = undefined;
    user?.failed(cause);
  }
}

/** The outcome of a dial: exactly one of the two is called, unless it is given up. */
export interface DialResult {
  connected(connection: UpstreamConnection): void;
  unreachable(cause: string): void;
}

const READ_BYTES = 32 * 1024;

interface Place {
  readonly idle: UpstreamConnection[];
  /** Requests that run on it now. */
  load: number;
}

export interface PoolOptions {
  readonly clock: Clock;
  readonly limits: ProxyLimits;
}

/** Connections to upstreams, by key. Idle ones are taken newest first, since those are the least likely to be closed. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #places = new Map<string, Place>();
  readonly #dials = new Map<Socket, { readonly deadlineMs: number; readonly late: () => void }>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get limits(): ProxyLimits {
    return this.#options.limits;
  }

  /** The number of requests that run on `key`. */
  load(key: string): number {
    return this.#places.get(key)?.load ?? 0;
  }

  /** Counts a request on `key`, until the same caller calls `leave`. */
  enter(key: string): void {
    this.#place(key).load++;
  }

  leave(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    place.load = Math.max(0, place.load - 1);
    if (place.load === 0 && place.idle.length === 0) this.#places.delete(key);
  }

  /** An idle connection that was used within `recentMs`, or `undefined`. */
  take(key: string, recentMs = Infinity): UpstreamConnection | undefined {
    const idle = this.#places.get(key)?.idle;
    for (let each = idle?.at(-1); each !== undefined; each = idle?.at(-1)) {
      if (each.alive && this.#options.clock.now() - each.idleSinceMs > recentMs) return undefined;
      idle?.pop();
      if (each.alive) return each;
      each.destroy();
    }
    return undefined;
  }

  /** Gives a connection back after a complete exchange. */
  put(connection: UpstreamConnection): void {
    connection.user = undefined;
    const { idleUpstreamsMax } = this.#options.limits;
    const place = this.#places.get(connection.upstream.key);
    if (!connection.alive || place === undefined || place.idle.length >= idleUpstreamsMax) {
      return connection.destroy();
    }
    connection.used = true;
    connection.idleSinceMs = this.#options.clock.now();
    place.idle.push(connection);
    connection.socket.resume();
  }

  /** Closes what is idle on `key`, because its listener leaves; running requests go on and are not kept afterwards. */
  retire(key: string): void {
    const place = this.#places.get(key);
    this.#places.delete(key);
    for (const each of place?.idle ?? []) each.destroy();
  }

  /** Opens a connection within `limitMs`. Returns how to give up. */
  dial(upstream: Upstream, limitMs: number, result: DialResult): () => void {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let connection: UpstreamConnection | undefined;
    const socket = connect({
      host: upstream.host,
      port: upstream.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      // One piece of memory for all reads: with a new one each, large bodies leave hundreds of megabytes of garbage.
      onread: {
        buffer,
        callback: (count) => {
          connection?.received(buffer.subarray(0, count));
          return true;
        },
      },
    });
    const settle = (): boolean => {
      socket.removeListener("connect", connected);
      socket.removeListener("error", refused);
      return this.#dials.delete(socket);
    };
    const connected = (): void => {
      if (!settle()) return;
      connection = new UpstreamConnection(socket, upstream);
      result.connected(connection);
    };
    const refused = (error: Error): void => give(error.message);
    const give = (cause: string): void => {
      if (!settle()) return;
      socket.on("error", () => undefined);
      socket.destroy();
      result.unreachable(cause);
    };
    socket.once("connect", connected);
    socket.once("error", refused);
    this.#dials.set(socket, {
      deadlineMs: this.#options.clock.now() + limitMs,
      late: () => give(`no connection within ${limitMs} ms`),
    });
    return () => {
      if (!settle()) return;
      socket.on("error", () => undefined);
      socket.destroy();
    };
  }

  /** Ends dials and idle connections that have waited too long; called every now and then. */
  sweep(): void {
    const nowMs = this.#options.clock.now();
    for (const each of [...this.#dials.values()]) if (each.deadlineMs <= nowMs) each.late();
    const { idleUpstreamMsMax } = this.#options.limits;
    for (const [key, place] of this.#places) {
      while (place.idle[0] !== undefined && nowMs - place.idle[0].idleSinceMs > idleUpstreamMsMax) {
        place.idle.shift()?.destroy();
      }
      if (place.load === 0 && place.idle.length === 0) this.#places.delete(key);
    }
  }

  /** Closes everything that is idle or being opened. */
  close(): void {
    for (const each of [...this.#dials.values()]) each.late();
    for (const key of [...this.#places.keys()]) this.retire(key);
  }

  #place(key: string): Place {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place: Place = { idle: [], load: 0 };
    this.#places.set(key, place);
    return place;
  }
}
