import type { Buffer } from "node:buffer";
import { CODE, type Stream } from "../http2/mod.ts";
import type { UpstreamConnection } from "./pool.ts";

/** A stream of HTTP/2 and a connection that carry a protocol of their own: bytes are passed on unread. */
export class StreamTunnel {
  readonly #stream: Stream;
  readonly #connection: UpstreamConnection;
  readonly #closed: () => void;
  /** Bytes that the app has not taken; the client may send no more in their place. */
  #waiting = 0;
  #halves = 2;
  #over = false;
  /** True if a byte has passed since the last sweep. */
  #moved = true;
  #movedMs = 0;

  /** `closed` is called once, when both sides are done or one of them broke. */
  constructor(stream: Stream, connection: UpstreamConnection, closed: () => void) {
    this.#stream = stream;
    this.#connection = connection;
    this.#closed = closed;
    const { socket } = connection;
    connection.user = {
      received: (bytes) => this.fromApp(bytes),
      ended: () => {
        stream.data([], []);
        this.#halfEnded();
      },
      failed: () => {
        stream.reset(CODE.internal);
        this.#close();
      },
      drained: () => this.#appDrained(),
    };
    stream.handler = {
      headers: () => undefined,
      data: (bytes) => this.fromClient(bytes),
      ended: () => this.clientEnded(),
      reset: () => this.#close(),
      drained: () => void socket.resume(),
    };
  }

  /** Ends a tunnel through which nothing passed for too long. */
  sweep(nowMs: number, idleMsMax: number): void {
    if (this.#moved) this.#movedMs = nowMs;
    this.#moved = false;
    if (nowMs - this.#movedMs <= idleMsMax) return;
    this.#stream.reset(CODE.cancel);
    this.#close();
  }

  fromApp(bytes: Buffer): void {
    this.#moved = true;
    if (!this.#stream.data([bytes], undefined)) this.#connection.socket.pause();
  }

  fromClient(bytes: Buffer): void {
    this.#moved = true;
    const { socket } = this.#connection;
    if (socket.writable && !socket.write(bytes)) this.#waiting += bytes.length;
    else this.#stream.consumed(bytes.length);
  }

  #appDrained(): void {
    const bytes = this.#waiting;
    this.#waiting = 0;
    if (bytes > 0) this.#stream.consumed(bytes);
  }

  clientEnded(): void {
    this.#connection.socket.end();
    this.#halfEnded();
  }

  #halfEnded(): void {
    if (--this.#halves === 0) this.#close();
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.user = undefined;
    // The window of the client's connection is one for all its streams.
    this.#appDrained();
    // What was written is still delivered.
    this.#connection.socket.destroySoon();
    this.#closed();
  }
}
