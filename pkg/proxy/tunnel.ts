import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { UpstreamConnection, UpstreamUser } from "./pool.ts";

/** Two connections that have switched to a protocol of their own: bytes are passed on unread, with back-pressure. */
export class Tunnel implements UpstreamUser {
  readonly #client: Socket;
  readonly #connection: UpstreamConnection;
  readonly #closed: () => void;
  #over = false;

  /** `closed` is called once, when both sides are done or one of them broke. */
  constructor(client: Socket, connection: UpstreamConnection, closed: () => void) {
    this.#client = client;
    this.#connection = connection;
    this.#closed = closed;
    connection.user = this;
  }

  fromClient(bytes: Buffer): void {
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
