import { Buffer } from "node:buffer";
import { type Parsed, parseResponseHead, type ResponseHead, responseHeadEnd } from "./head.ts";

/** A response head may be longer than a request head: apps set many cookies. */
const HEAD_BYTES_MAX = 256 * 1024;
const HEADERS_MAX = 512;
const INTERIM_RESPONSES_MAX = 64;
const EMPTY = Buffer.alloc(0);

/** Cuts response heads out of the bytes of an upstream: any number of interim ones, then the one that counts. */
export class ResponseHeads {
  #bytes: Buffer = EMPTY;
  #scanned = 0;
  #count = 0;

  /** Whether nothing at all has come yet. */
  get untouched(): boolean {
    return this.#bytes.length === 0 && this.#count === 0;
  }

  /** Adds bytes. They are copied if they are still needed when `next` finds no more heads in them. */
  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** The next complete head, why there cannot be one, or `undefined` when more bytes are needed. */
  next(): Parsed<ResponseHead> | undefined {
    const end = responseHeadEnd(this.#bytes, this.#scanned);
    if (end > HEAD_BYTES_MAX || (end === -1 && this.#bytes.length > HEAD_BYTES_MAX)) {
      return invalid("The app's response headers are too long.");
    }
    if (end === -1) {
      this.#scanned = this.#bytes.length;
      this.#bytes = Buffer.from(this.#bytes);
      return undefined;
    }
    const parsed = parseResponseHead(this.#bytes, end, HEADERS_MAX);
    this.#bytes = this.#bytes.subarray(end);
    this.#scanned = 0;
    if (++this.#count > INTERIM_RESPONSES_MAX) return invalid("The app sent too many interim responses.");
    return parsed;
  }

  /** What came after the last head, not copied; it is not kept here any more. */
  takeRest(): Buffer {
    const rest = this.#bytes;
    this.#bytes = EMPTY;
    return rest;
  }
}

function invalid(detail: string): Parsed<ResponseHead> {
  return { ok: false, failure: { kind: "upstream_invalid", detail } };
}
