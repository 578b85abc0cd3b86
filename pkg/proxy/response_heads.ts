import { Buffer } from "node:buffer";
import type { ProxyLimits } from "./types.ts";
import { type Parsed, parseResponseHead, type ResponseHead, responseHeadEnd } from "./head.ts";

const INTERIM_RESPONSES_MAX = 64;
const ROOM_BYTES_MIN = 1024;
const BEGIN = "HTTP/";
const EMPTY = Buffer.alloc(0);

export type ResponseHeadLimits = Pick<ProxyLimits, "responseHeadBytesMax" | "responseHeadersMax">;

/** Cuts response heads out of the bytes of an upstream: any number of interim ones, then the one that counts. */
export class ResponseHeads {
  /** Bytes that have come and are not yet taken: the caller's bytes, or a part of `#room`. */
  #bytes: Buffer = EMPTY;
  /** Own memory with space behind `#bytes`; empty while these are the caller's. */
  #room: Buffer = EMPTY;
  #scanned = 0;
  #count = 0;
  readonly #limits: ResponseHeadLimits;

  constructor(limits: ResponseHeadLimits) {
    this.#limits = limits;
  }

  /** True if nothing at all has come yet. */
  get untouched(): boolean {
    return this.#bytes.length === 0 && this.#count === 0;
  }

  /** Adds bytes. They are copied if they are still needed when `next` finds no more heads in them. */
  push(bytes: Buffer): void {
    if (this.#bytes.length > 0) return this.#append(bytes);
    this.#bytes = bytes;
    this.#room = EMPTY;
  }

  /** Adds bytes in memory that doubles when it is full: a head may come one byte at a time. */
  #append(bytes: Buffer): void {
    const { length } = this.#bytes;
    let start = this.#bytes.byteOffset - this.#room.byteOffset;
    if (this.#room.length === 0 || start + length + bytes.length > this.#room.length) {
      this.#room = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES_MIN, 2 * (length + bytes.length)));
      this.#room.set(this.#bytes);
      start = 0;
    }
    this.#room.set(bytes, start + length);
    this.#bytes = this.#room.subarray(start, start + length + bytes.length);
  }

  /** The next complete head, why there cannot be one, or `undefined` when more bytes are needed. */
  next(): Parsed<ResponseHead> | undefined {
    const begin = this.#bytes.toString("latin1", 0, BEGIN.length);
    if (!BEGIN.startsWith(begin)) return invalid(notHttp(this.#bytes));
    const end = responseHeadEnd(this.#bytes, this.#scanned);
    const { responseHeadBytesMax: bytesMax, responseHeadersMax } = this.#limits;
    if (end > bytesMax || (end === -1 && this.#bytes.length > bytesMax)) {
      return invalid(`The app's response headers are longer than ${bytesMax} bytes.`);
    }
    if (end === -1) {
      this.#scanned = this.#bytes.length;
      if (this.#room.length === 0) this.#append(EMPTY);
      return undefined;
    }
    const parsed = parseResponseHead(this.#bytes, end, responseHeadersMax);
    this.#bytes = this.#bytes.subarray(end);
    this.#scanned = 0;
    if (++this.#count > INTERIM_RESPONSES_MAX) return invalid("The app sent too many interim responses.");
    return parsed;
  }

  /** The bytes after the last head, not copied; they are not kept here any more. */
  takeRest(): Buffer {
    const rest = this.#bytes;
    this.#bytes = EMPTY;
    return rest;
  }
}

/** An app that speaks something else never ends a head. */
function notHttp(bytes: Buffer): string {
  const isTls = (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;
  return isTls
    ? "The app speaks TLS. It gets HTTP without TLS on its port: let it listen without a certificate."
    : "The app does not speak HTTP/1.1 on its port.";
}

function invalid(detail: string): Parsed<ResponseHead> {
  return { ok: false, failure: { kind: "upstream_invalid", detail } };
}
