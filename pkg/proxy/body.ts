import { Buffer } from "node:buffer";
import type { Framing } from "./framing.ts";
import { parseFields } from "./head.ts";
import type { HeaderField } from "./types.ts";

/** Cuts a body out of a stream of bytes. */
export interface BodyDecoder {
  /**
   * Takes bytes from `from` on, appends slices of payload to `into`, and returns the index of the first byte that is
   * not part of the body any more; -1 when the body is malformed.
   */
  push(bytes: Buffer, from: number, into: Buffer[]): number;
  readonly done: boolean;
  /** The fields after the last chunk; complete once `done`. */
  readonly trailers: readonly HeaderField[];
}

/** A decoder for one body. */
export function bodyDecoder(framing: Framing): BodyDecoder {
  switch (framing.kind) {
    case "none":
      return new LengthDecoder(0);
    case "length":
      return new LengthDecoder(framing.bytes);
    case "close":
      return new LengthDecoder(Infinity);
    case "chunked":
      return new ChunkedDecoder();
  }
}

const NO_TRAILERS: readonly HeaderField[] = [];

class LengthDecoder implements BodyDecoder {
  readonly trailers = NO_TRAILERS;
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  push(bytes: Buffer, from: number, into: Buffer[]): number {
    const take = Math.min(this.#left, bytes.length - from);
    if (take > 0) into.push(take === bytes.length ? bytes : bytes.subarray(from, from + take));
    this.#left -= take;
    return from + take;
  }
}

const TRAILER_BYTES_MAX = 16 * 1024;
const TRAILERS_MAX = 64;
const EXTENSION_BYTES_MAX = 4 * 1024;
const SIZE_DIGITS_MAX = 12;
const CR = 13;
const LF = 10;
const SEMICOLON = 59;

type ChunkState =
  | "size"
  | "extension"
  | "size_lf"
  | "data"
  | "data_cr"
  | "data_lf"
  | "trailer"
  | "trailer_lf"
  | "done";

/** Strict: every line ends in CRLF, sizes are bare hexadecimal digits. Extensions mean nothing here and are dropped. */
class ChunkedDecoder implements BodyDecoder {
  #state: ChunkState = "size";
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #line = "";
  #lines = "";
  #trailers: HeaderField[] = [];

  get done(): boolean {
    return this.#state === "done";
  }

  get trailers(): readonly HeaderField[] {
    return this.#trailers;
  }

  push(bytes: Buffer, from: number, into: Buffer[]): number {
    let at = from;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "data") {
        const take = Math.min(this.#left, bytes.length - at);
        into.push(bytes.subarray(at, at + take));
        this.#left -= take;
        at += take;
        if (this.#left === 0) this.#state = "data_cr";
        continue;
      }
      if (!this.#step(bytes[at] ?? 0)) return -1;
      at++;
    }
    return at;
  }

  /** Takes one byte that is not data; false when it must not be there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case "size":
        return this.#size(byte);
      case "extension":
        if (byte === CR) this.#state = "size_lf";
        else if (++this.#extensionBytes > EXTENSION_BYTES_MAX || (byte < 32 && byte !== 9) || byte === 127) {
          return false;
        }
        return true;
      case "size_lf":
        if (this.#digits === 0) return false;
        this.#digits = 0;
        return this.#expect(byte, LF, this.#left === 0 ? "trailer" : "data");
      case "data_cr":
        return this.#expect(byte, CR, "data_lf");
      case "data_lf":
        return this.#expect(byte, LF, "size");
      case "trailer":
        if (byte === CR) {
          this.#state = "trailer_lf";
          return true;
        }
        this.#line += String.fromCharCode(byte);
        return byte !== LF && this.#line.length + this.#lines.length <= TRAILER_BYTES_MAX;
      case "trailer_lf":
        return byte === LF && this.#trailerLine();
      case "data":
      case "done":
        return false;
    }
  }

  #size(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits <= SIZE_DIGITS_MAX;
    }
    if (this.#digits === 0) return false;
    if (byte === SEMICOLON) this.#state = "extension";
    else if (byte === CR) this.#state = "size_lf";
    else return false;
    return true;
  }

  #expect(byte: number, wanted: number, next: ChunkState): boolean {
    this.#state = next;
    return byte === wanted;
  }

  #trailerLine(): boolean {
    if (this.#line !== "") {
      this.#lines += this.#lines === "" ? this.#line : `\r\n${this.#line}`;
      this.#line = "";
      this.#state = "trailer";
      return true;
    }
    const failure = this.#lines === ""
      ? undefined
      : parseFields(this.#lines, 0, this.#trailers, { headersMax: TRAILERS_MAX });
    if (failure !== undefined) return false;
    this.#state = "done";
    return true;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

export interface Sink {
  write(bytes: Buffer, done?: (error?: Error | null) => void): boolean;
}

const encoder = new TextEncoder();
/** Holds what one read brings, with a head. */
const BLOCK_BYTES = 80 * 1024;
const BLOCKS_MAX = 64;
/** From here on a block is taken instead of new memory. */
const BLOCK_FROM_BYTES = 8 * 1024;

/** Memory for large writes, used again once it is written: 1 GiB must not leave 1 GiB of garbage. */
const freeBlocks: Buffer[] = [];

/** Everything that one step adds to a message. */
export interface Piece {
  /** A head or heads; empty for none. */
  readonly head: string;
  readonly slices: readonly Buffer[];
  /** True if the memory of the slices is used again as soon as this call returns, so that they must be copied. */
  readonly borrowed: boolean;
  readonly chunked: boolean;
  /** The end of a chunked body with its trailers; empty when it goes on. */
  readonly tail: string;
}

/** Writes a piece at once; false when the sink wants no more for now. */
export function writePiece(sink: Sink, piece: Piece): boolean {
  const { slices, borrowed, chunked, tail } = piece;
  let size = 0;
  for (const each of slices) size += each.length;
  const prefix = chunked && size > 0 ? `${piece.head}${size.toString(16)}\r\n` : piece.head;
  const suffix = chunked && size > 0 ? `\r\n${tail}` : tail;
  const [only] = slices;
  if (prefix === "" && suffix === "" && !borrowed && slices.length <= 1) {
    return only === undefined || sink.write(only);
  }
  const total = prefix.length + size + suffix.length;
  if (total === 0) return true;
  const block = total >= BLOCK_FROM_BYTES && total <= BLOCK_BYTES
    ? freeBlocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
    : undefined;
  const bytes = block?.subarray(0, total) ?? Buffer.allocUnsafe(total);
  let at = putLatin1(bytes, prefix, 0);
  for (const each of slices) {
    bytes.set(each, at);
    at += each.length;
  }
  putLatin1(bytes, suffix, at);
  if (block === undefined) return sink.write(bytes);
  return sink.write(bytes, (error) => {
    // After an error the system may still be reading from it.
    if (!error && freeBlocks.length < BLOCKS_MAX) freeBlocks.push(block);
  });
}

/** The bytes of a text with one byte per character. */
export function latin1(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(text.length);
  putLatin1(bytes, text, 0);
  return bytes;
}

/** Writes one byte per character. Almost all text is ASCII, for which the UTF-8 encoder is ten times faster. */
function putLatin1(bytes: Buffer, text: string, at: number): number {
  if (text === "") return at;
  const { read } = encoder.encodeInto(text, at === 0 ? bytes : bytes.subarray(at));
  // Anything above 127 takes two bytes in UTF-8, so that the text does not fit or is one too long.
  if (read !== text.length || !isAscii(text)) bytes.write(text, at, "latin1");
  return at + text.length;
}

const NOT_ASCII = /[^\0-\x7f]/;

function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}
