import { type ClientHttp2Stream, constants } from "node:http2";
import { Duplex } from "node:stream";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FRAME_HEAD_BYTES, FrameReader, writeFrameHead } from "./grpc_frames.ts";

/** `BytesMessage.data`: field 1, length-delimited. */
const DATA_TAG = 0x0a;
/** BuildKit takes messages of 4 MiB in its oldest versions; small ones keep its answers from waiting behind content. */
const PIECE_BYTES = 256 * 1024;
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** The head of a frame, the tag, and a length of at most four bytes. */
const HEAD_BYTES_MAX = FRAME_HEAD_BYTES + 5;

/**
 * The connection inside a `Control.Session` call, on which BuildKit is the client: bytes travel as `BytesMessage` both ways.
 * Neither direction buffers more than the streams' own high-water marks.
 */
export class Tunnel extends Duplex {
  readonly #call: ClientHttp2Stream;

  constructor(call: ClientHttp2Stream) {
    super();
    this.#call = call;
    const reader = new FrameReader(MESSAGE_BYTES_MAX);
    call.on("data", (chunk: Uint8Array) => {
      try {
        for (const message of reader.push(chunk)) {
          if (!this.push(dataOf(message))) call.pause();
        }
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    call.on("end", () => this.push(null));
    call.on("error", (error: Error) => this.destroy(error));
    call.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#call.write(framed([chunk]), done);
  }

  override _writev(
    writes: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#call.write(framed(writes.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#call.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Without a reason the stream would first wait for writes that the peer may never take.
    this.#call.close(constants.NGHTTP2_CANCEL);
    done(error);
  }
}

/** The bytes of the chunks as one or more messages, copied once. */
function framed(chunks: readonly Uint8Array[]): Uint8Array {
  let left = chunks.reduce((sum, { length }) => sum + length, 0);
  const out = new Uint8Array(left + Math.max(1, Math.ceil(left / PIECE_BYTES)) * HEAD_BYTES_MAX);
  const source = new Cursor(chunks);
  let at = 0;
  do {
    const size = Math.min(left, PIECE_BYTES);
    const head = at;
    at = writeLength(out, at + FRAME_HEAD_BYTES, size);
    source.copy(out.subarray(at, at + size));
    at += size;
    writeFrameHead(out, head, at - head - FRAME_HEAD_BYTES);
    left -= size;
  } while (left > 0);
  return out.subarray(0, at);
}

/** Writes the tag and the length of the message's only field, and returns where its bytes begin. */
function writeLength(out: Uint8Array, start: number, size: number): number {
  let at = start;
  out[at++] = DATA_TAG;
  for (let length = size;; length >>>= 7) {
    out[at++] = (length & 0x7f) | (length > 0x7f ? 0x80 : 0);
    if (length <= 0x7f) return at;
  }
}

/** Reads chunks as one sequence of bytes. */
class Cursor {
  readonly #chunks: readonly Uint8Array[];
  #chunk = 0;
  #offset = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  /** Fills `target`. @throws when fewer bytes are left */
  copy(target: Uint8Array): void {
    for (let filled = 0; filled < target.length;) {
      const rest = this.#chunks[this.#chunk]?.subarray(this.#offset);
      if (rest === undefined) throw new RangeError("the chunks end before the message");
      const part = rest.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#offset = part.length === rest.length ? 0 : this.#offset + part.length;
      if (part.length === rest.length) this.#chunk++;
    }
  }
}

function dataOf(message: Uint8Array): Uint8Array {
  const reader = new BinaryReader(message);
  let data: Uint8Array = new Uint8Array(0);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) data = reader.bytes();
    else reader.skip(wireType, field);
  }
  return data;
}
