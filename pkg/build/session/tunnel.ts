import { type ClientHttp2Stream, constants } from "node:http2";
import { Duplex } from "node:stream";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { FRAME_HEAD_BYTES, FrameReader, writeFrameHead } from "./grpc_frames.ts";

/** `BytesMessage.data`: field 1, length-delimited. */
const DATA_TAG = 0x0a;
/** BuildKit takes messages of 4 MiB in its oldest versions; small ones keep its answers from waiting behind content. */
const PIECE_BYTES = 256 * 1024;
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

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
    this.#call.write(framed(chunk), done);
  }

  override _writev(
    writes: readonly { readonly chunk: Uint8Array }[],
    done: (error?: Error | null) => void,
  ): void {
    const whole = new Uint8Array(writes.reduce((sum, { chunk }) => sum + chunk.length, 0));
    let at = 0;
    for (const { chunk } of writes) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.#call.write(framed(whole), done);
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

/** The bytes as one or more messages. */
function framed(bytes: Uint8Array): Uint8Array {
  const pieces = Math.max(1, Math.ceil(bytes.length / PIECE_BYTES));
  // The head of a frame, the tag, and a length of at most four bytes.
  const out = new Uint8Array(bytes.length + pieces * (FRAME_HEAD_BYTES + 5));
  let at = 0;
  for (let from = 0; from < bytes.length || from === 0; from += PIECE_BYTES) {
    const piece = bytes.subarray(from, from + PIECE_BYTES);
    const head = at;
    at += FRAME_HEAD_BYTES;
    out[at++] = DATA_TAG;
    for (let length = piece.length;; length >>>= 7) {
      out[at++] = (length & 0x7f) | (length > 0x7f ? 0x80 : 0);
      if (length <= 0x7f) break;
    }
    out.set(piece, at);
    at += piece.length;
    writeFrameHead(out, head, at - head - FRAME_HEAD_BYTES);
  }
  return out.subarray(0, at);
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
