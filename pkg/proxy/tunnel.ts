import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { UpstreamConnection, UpstreamUser } from "./pool.ts";

/** Two connections that have switched to a protocol of their own: bytes are passed on unread, with back-pressure. */
export class Tunnel implements UpstreamUser {
  readonly #client: Socket;
  readonly #connection: UpstreamConnection;
  readonly #closed: () => void;
  #over = false;
  /** True if a byte has passed since the last sweep. */
  #moved = true;
  #movedMs = 0;

  /** `closed` is called once, when both sides are done or one of them broke. */
  constructor(client: Socket, connection: UpstreamConnection, closed: () => void) {
    this.#client = client;
    this.#connection = connection;
    this.#closed = closed;
    connection.user = this;
  }

  /** Ends a tunnel through which nothing passed for too long. */
  sweep(nowMs: number, idleMsMax: number): void {
    if (this.#moved) this.#movedMs = nowMs;
    this.#moved = false;
    if (nowMs - this.#movedMs > idleMsMax) this.close();
  }

  fromClient(bytes: Buffer): void {
    this.#moved = true;
    const { socket } = this.#connection;
    if (socket.writable && !socket.write(bytes)) this.#client.pause();
  }

  clientDrained(): void {
    this.#connection.socket.resume();
  }

  clientEnded(): void {
    this.#connection.socket.end();
    if (this.#connection.socket.readableEnded) this.close();
  }

  received(bytes: Buffer): void {
    this.#moved = true;
    if (this.#client.writable && !this.#client.write(Buffer.from(bytes))) this.#connection.socket.pause();
  }

  drained(): void {
    this.#client.resume();
  }

  ended(): void {
    this.#client.end();
    if (this.#client.readableEnded) this.close();
  }

  failed(): void {
    this.close();
  }

  /** Ends both sides. What was written is still delivered. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection.user = undefined;
    this.#connection.socket.destroySoon();
    this.#client.destroySoon();
    this.#closed();
  }
}
