import { Buffer } from "node:buffer";
import { CODE, FLAG, type Problem } from "./frames.ts";
import { type Frame, uint31 } from "./frame_reader.ts";

const CONTINUATIONS_MAX = 64;

/** A complete header block. */
export interface HeaderBlock {
  readonly id: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
  /** True if the stream is said to depend on itself. */
  readonly selfish: boolean;
}

interface Begun {
  readonly id: number;
  readonly endStream: boolean;
  readonly selfish: boolean;
  readonly parts: Buffer[];
  readonly sinceMs: number;
  bytes: number;
}

/** Joins the frames of header blocks. */
export class HeaderBlocks {
  readonly #bytesMax: number;
  #begun: Begun | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The stream whose block is not complete: nothing else may come now. */
  get openId(): number | undefined {
    return this.#begun?.id;
  }

  /** When the block began that is not complete. */
  get sinceMs(): number | undefined {
    return this.#begun?.sinceMs;
  }

  /** Takes a HEADERS frame. */
  begin({ flags, id, payload }: Frame, nowMs: number): HeaderBlock | Problem | undefined {
    let from = 0;
    let to = payload.length;
    if ((flags & FLAG.padded) !== 0) {
      to -= payload[0] ?? 0;
      from = 1;
    }
    const prioritized = (flags & FLAG.priority) !== 0;
    const selfish = prioritized && uint31(payload, from) === id;
    if (prioritized) from += 5;
    if (from > to) return { code: CODE.protocol, text: "a HEADERS frame with more padding than payload" };
    const bytes = payload.subarray(from, to);
    this.#begun = {
      id,
      endStream: (flags & FLAG.endStream) !== 0,
      selfish,
      parts: [bytes],
      sinceMs: nowMs,
      bytes: bytes.length,
    };
    return this.#end(flags);
  }

  /** Takes a CONTINUATION frame. */
  more({ flags, id, payload }: Frame): HeaderBlock | Problem | undefined {
    const begun = this.#begun;
    if (begun === undefined || begun.id !== id) {
      return { code: CODE.protocol, text: "a CONTINUATION frame without a block" };
    }
    begun.parts.push(payload);
    begun.bytes += payload.length;
    return this.#end(flags);
  }

  #end(flags: number): HeaderBlock | Problem | undefined {
    const begun = this.#begun;
    if (begun === undefined) return undefined;
    if (begun.bytes > this.#bytesMax || begun.parts.length > CONTINUATIONS_MAX) {
      return { code: CODE.calm, text: "a header block that is too long" };
    }
    if ((flags & FLAG.endHeaders) === 0) return undefined;
    this.#begun = undefined;
    const [only, second] = begun.parts;
    const bytes = only === undefined || second !== undefined ? Buffer.concat(begun.parts) : only;
    return { id: begun.id, endStream: begun.endStream, selfish: begun.selfish, bytes };
  }
}
