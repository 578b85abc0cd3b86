import { Buffer } from "node:buffer";
import { CODE, FRAME_BYTES_MAX, HEADER_BYTES, type Problem } from "./frames.ts";

/** A frame as it came; the payload may be kept. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Cuts frames out of a stream of bytes. Takes time in proportion to the bytes, whatever pieces they come in. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => boolean;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  #goesOn = true;

  /** `onFrame` returns false to take no more. */
  constructor(onFrame: (frame: Frame) => boolean) {
    this.#onFrame = onFrame;
  }

  push(bytes: Buffer): Problem | undefined {
    let at = 0;
    while (at < bytes.length && this.#goesOn) {
      const whole = this.#headerBytes === 0 && bytes.length - at >= HEADER_BYTES;
      const length = whole ? lengthOf(bytes, at) : 0;
      if (length > FRAME_BYTES_MAX) return tooLarge(length);
      const end = at + HEADER_BYTES + length;
      if (whole && end <= bytes.length) {
        this.#emit(bytes, at, bytes.subarray(at + HEADER_BYTES, end));
        at = end;
        continue;
      }
      at = this.#gather(bytes, at);
      if (this.#headerBytes < HEADER_BYTES) continue;
      const wanted = lengthOf(this.#header, 0);
      if (wanted > FRAME_BYTES_MAX) return tooLarge(wanted);
      const payload = this.#payload ??= Buffer.allocUnsafe(wanted);
      const take = Math.min(wanted - this.#payloadBytes, bytes.length - at);
      bytes.copy(payload, this.#payloadBytes, at, at + take);
      this.#payloadBytes += take;
      at += take;
      if (this.#payloadBytes < wanted) continue;
      this.#headerBytes = 0;
      this.#payloadBytes = 0;
      this.#payload = undefined;
      this.#emit(this.#header, 0, payload);
    }
    return undefined;
  }

  #gather(bytes: Buffer, at: number): number {
    const take = Math.min(HEADER_BYTES - this.#headerBytes, bytes.length - at);
    bytes.copy(this.#header, this.#headerBytes, at, at + take);
    this.#headerBytes += take;
    return at + take;
  }

  #emit(header: Buffer, at: number, payload: Buffer): void {
    this.#goesOn = this.#onFrame({
      type: header[at + 3] ?? 0,
      flags: header[at + 4] ?? 0,
      id: uint31(header, at + 5),
      payload,
    });
  }
}

function lengthOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

/** A number of 31 bits; the highest bit means nothing. */
export function uint31(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) & 127) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0);
}

/** A number of 32 bits. */
export function uint32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) & 128) === 0 ? 0 : 2 ** 31) + uint31(bytes, at);
}

function tooLarge(bytes: number): Problem {
  return { code: CODE.frameSize, text: `a frame of ${bytes} bytes` };
}
