import { Buffer } from "node:buffer";
import { FRAME_BYTES_MAX } from "./frames.ts";
import type { Field } from "./hpack_decoder.ts";
import type { FieldToSend } from "./hpack_encoder.ts";

/** The events of a stream. Nothing comes after `reset`. */
export interface StreamHandler {
  /** A client's stream: the fields of an interim response, or of the response itself. */
  headers(fields: readonly Field[]): void;
  /** The bytes may be kept. They count against the windows until `Stream.consumed`. */
  data(bytes: Buffer): void;
  /** The other side has sent everything. */
  ended(trailers: readonly Field[]): void;
  /** The stream, or its connection, was broken off. */
  reset(code: number): void;
  /** More can be sent. */
  drained(): void;
}

/** The connection of a stream, as the stream uses it. */
export interface StreamConnection {
  readonly choked: boolean;
  sendWindow: number;
  sendHeaders(id: number, fields: readonly FieldToSend[], end: boolean): void;
  sendData(id: number, bytes: Uint8Array, end: boolean): void;
  sendReset(stream: Stream, code: number): void;
  credit(stream: Stream | undefined, bytes: number): void;
  /** The stream may be over. */
  settle(stream: Stream): void;
}

const NOTHING = Buffer.alloc(0);

/** One request and its response on a connection. */
export class Stream {
  readonly id: number;
  readonly #connection: StreamConnection;
  handler: StreamHandler | undefined;
  sendWindow: number;
  /** Bytes that the other side may still send. */
  receiveWindow: number;
  /** Bytes consumed that no WINDOW_UPDATE has announced to the other side. */
  uncredited = 0;
  /** The other side has ended its half. */
  remoteClosed = false;
  /** This side has ended its half. */
  localClosed = false;
  forgone = false;
  /** Payload that must still come, when its length was announced. */
  #missing: number | undefined;
  #queue: Buffer[] = [];
  #queued = 0;
  #trailers: readonly FieldToSend[] | undefined;
  #full = false;

  constructor(connection: StreamConnection, id: number, sendWindow: number, receiveWindow: number) {
    this.#connection = connection;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Bytes that wait for the other side's windows. */
  get queued(): number {
    return this.#queued;
  }

  /** Expects exactly so many bytes of payload; anything else breaks the stream off. */
  expect(bytes: number | undefined): void {
    this.#missing = bytes;
  }

  /** Counts payload that came; false when it is more than was announced. */
  arrived(bytes: number): boolean {
    if (this.#missing === undefined) return true;
    this.#missing -= bytes;
    return this.#missing >= 0;
  }

  /** False when less came than was announced. */
  get complete(): boolean {
    return this.#missing === undefined || this.#missing === 0;
  }

  headers(fields: readonly FieldToSend[], end: boolean): void {
    if (this.localClosed) return;
    this.localClosed = end;
    this.#connection.sendHeaders(this.id, fields, end);
    if (end) this.#connection.settle(this);
  }

  /**
   * Sends payload; it is copied. With `trailers`, even empty ones, it is the last.
   *
   * @returns false when no more should be sent until `drained`
   */
  data(slices: readonly Uint8Array[], trailers: readonly FieldToSend[] | undefined): boolean {
    if (this.localClosed || this.#trailers !== undefined) return true;
    this.#trailers = trailers;
    for (const [index, slice] of slices.entries()) {
      const last = trailers?.length === 0 && index === slices.length - 1;
      const sent = this.#queued > 0 ? 0 : this.#sendSome(slice, last);
      if (sent === slice.length) continue;
      this.#queue.push(Buffer.from(slice.subarray(sent)));
      this.#queued += slice.length - sent;
    }
    if (this.#queued === 0) this.#sendEnd();
    this.#full = this.#queued > 0 || this.#connection.choked;
    return !this.#full;
  }

  /** Sends of what waits as much as it may. */
  flush(): void {
    while (this.#queued > 0) {
      const [first = NOTHING] = this.#queue;
      const last = this.#trailers?.length === 0 && this.#queue.length === 1;
      const sent = this.#sendSome(first, last);
      this.#queued -= sent;
      if (sent < first.length) {
        this.#queue[0] = first.subarray(sent);
        return;
      }
      this.#queue.shift();
    }
    this.#sendEnd();
    if (!this.#full || this.#connection.choked) return;
    this.#full = false;
    this.handler?.drained();
  }

  /** Sends the first bytes of `bytes`, as many as the windows allow; `last`: the stream ends with them. */
  #sendSome(bytes: Uint8Array, last: boolean): number {
    const connection = this.#connection;
    let at = 0;
    while (at < bytes.length && !connection.choked) {
      const size = Math.min(
        bytes.length - at,
        FRAME_BYTES_MAX,
        this.sendWindow,
        connection.sendWindow,
      );
      if (size <= 0) break;
      const end = last && at + size === bytes.length;
      this.sendWindow -= size;
      connection.sendWindow -= size;
      if (end) this.localClosed = true;
      connection.sendData(this.id, bytes.subarray(at, at + size), end);
      at += size;
    }
    if (this.localClosed) connection.settle(this);
    return at;
  }

  #sendEnd(): void {
    const trailers = this.#trailers;
    if (trailers === undefined || this.localClosed) return;
    this.localClosed = true;
    if (trailers.length > 0) this.#connection.sendHeaders(this.id, trailers, true);
    else this.#connection.sendData(this.id, NOTHING, true);
    this.#connection.settle(this);
  }

  /** Breaks the stream off. */
  reset(code: number): void {
    this.#connection.sendReset(this, code);
  }

  /** Lets the stream end with what this side sends: the rest of what the other side sends is not wanted. */
  forgo(): void {
    this.forgone = true;
    this.#connection.settle(this);
  }

  /** Lets the other side send so much more. */
  consumed(bytes: number): void {
    this.#connection.credit(this, bytes);
  }

  /** Forgets what waits. */
  drop(): void {
    this.#queue = [];
    this.#queued = 0;
    this.localClosed = true;
    this.remoteClosed = true;
    this.handler = undefined;
  }
}
