import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { FRAME_BYTES_MAX, HEADER_BYTES } from "./frames.ts";

const BLOCK_BYTES = 64 * 1024;
const BLOCKS_MAX = 64;
/** Smaller outputs are copied, so that a slow reader does not hold a whole block. */
const BLOCK_FROM_BYTES = 16 * 1024;
/** The limit of bytes that answers to the other side add while it takes nothing. */
const STUCK_BYTES_MAX = 256 * 1024;

/** Memory for outputs, used again once it is written. */
const freeBlocks: Buffer[] = [];

/** Writes frames to a socket: all that one event brings in one piece. */
export class Output {
  readonly #socket: Duplex;
  #block: Buffer | undefined;
  #at = 0;
  #stuckBytes = 0;
  /** True if the socket takes no more for now: only frames that the protocol needs should be written. */
  choked = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** True if the other side makes this one write and takes nothing of it. */
  get stuck(): boolean {
    return this.#stuckBytes > STUCK_BYTES_MAX;
  }

  /** Writes a frame; `payload` is copied. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    const { length } = payload;
    const block = this.#reserve(HEADER_BYTES + length);
    const at = this.#at;
    block[at] = length >>> 16;
    block[at + 1] = length >>> 8;
    block[at + 2] = length;
    block[at + 3] = type;
    block[at + 4] = flags;
    putUint32(block, at + 5, id);
    if (length > 0) block.set(payload, at + HEADER_BYTES);
    this.#at += HEADER_BYTES + length;
    if (this.choked) this.#stuckBytes += HEADER_BYTES + length;
  }

  /** Writes bytes that are no frame. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes, this.#at);
    this.#at += bytes.length;
  }

  drained(): void {
    this.choked = false;
    this.#stuckBytes = 0;
  }

  #reserve(bytes: number): Buffer {
    if (this.#at + bytes > BLOCK_BYTES) this.flush();
    if (this.#block !== undefined) return this.#block;
    // In this turn of the event loop there may be more to write.
    queueMicrotask(() => this.flush());
    this.#block = freeBlocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return this.#block;
  }

  flush(): void {
    const block = this.#block;
    const bytes = this.#at;
    this.#block = undefined;
    this.#at = 0;
    if (block === undefined) return;
    if (bytes === 0 || !this.#socket.writable) return give(block);
    if (bytes < BLOCK_FROM_BYTES) {
      const copy = Buffer.allocUnsafe(bytes);
      block.copy(copy, 0, 0, bytes);
      give(block);
      if (!this.#socket.write(copy)) this.choked = true;
      return;
    }
    // After an error the system may still be reading from it.
    const written = (error?: Error | null): void => error ? undefined : give(block);
    if (!this.#socket.write(block.subarray(0, bytes), written)) this.choked = true;
  }
}

function give(block: Buffer): void {
  if (freeBlocks.length < BLOCKS_MAX) freeBlocks.push(block);
}

/** Writes a number of 32 bits. */
export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** The bytes of numbers of 32 bits. */
export function uint32s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  for (const [index, value] of values.entries()) putUint32(bytes, 4 * index, value);
  return bytes;
}

/** The pieces of a header block that fit in frames. */
export function pieces(block: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES_MAX) {
    parts.push(block.subarray(at, at + FRAME_BYTES_MAX));
  }
  return parts;
}
