import { STATIC_TABLE } from "./static_table.ts";

/** A field to send; the name in lower case, one byte per character. */
export interface FieldToSend {
  readonly lower: string;
  readonly value: string;
}

/** The first index of each name in the static table. */
const NAMES = new Map<string, number>();
const PAIRS = new Map<string, number>();
for (const [index, [name, value]] of STATIC_TABLE.entries()) {
  if (!NAMES.has(name)) NAMES.set(name, index + 1);
  if (value !== "") PAIRS.set(`${name}\0${value}`, index + 1);
}
/** Values of these are in the static table. */
const PAIRED = new Set([":status", ":method", ":scheme", ":path", "accept-encoding"]);
const ROOM_BYTES_MIN = 1_024;
const INTEGER_BYTES_MAX = 6;

/**
 * Encodes header blocks with the static table alone: no state, so that nothing has to be kept for a connection, and no
 * Huffman codes, which cost more time than their bytes are worth.
 */
export class HpackEncoder {
  #bytes: Uint8Array = new Uint8Array(ROOM_BYTES_MIN);
  #at = 0;
  #first = true;

  /** The block of `fields`; valid until the next call. */
  encode(fields: readonly FieldToSend[]): Uint8Array {
    this.#at = 0;
    // The other side may have allowed less than the default: the table is declared empty once, for ever.
    if (this.#first) this.#bytes[this.#at++] = 0x20;
    this.#first = false;
    for (const { lower, value } of fields) this.#field(lower, value);
    return this.#bytes.subarray(0, this.#at);
  }

  #field(name: string, value: string): void {
    this.#reserve(name.length + value.length + 3 * INTEGER_BYTES_MAX);
    const pair = PAIRED.has(name) ? PAIRS.get(`${name}\0${value}`) : undefined;
    if (pair !== undefined) return this.#integer(pair, 7, 0x80);
    const index = NAMES.get(name);
    if (index !== undefined) this.#integer(index, 4, 0);
    else {
      this.#integer(0, 4, 0);
      this.#text(name);
    }
    this.#text(value);
  }

  #text(text: string): void {
    this.#integer(text.length, 7, 0);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  #integer(value: number, bits: number, mark: number): void {
    const most = 2 ** bits - 1;
    if (value < most) {
      this.#bytes[this.#at++] = mark | value;
      return;
    }
    this.#bytes[this.#at++] = mark | most;
    let rest = value - most;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest & 127) | 128;
    this.#bytes[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}
