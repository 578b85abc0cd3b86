import { ContextEntry_Kind as Kind } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { joinDigests } from "./digest.ts";
import type { ContentEntry } from "./types.ts";

export const KINDS: Readonly<Record<ContentEntry["kind"], Kind>> = {
  file: Kind.FILE,
  folder: Kind.FOLDER,
  link: Kind.LINK,
  hard_link: Kind.HARD_LINK,
};

const NS_MAX = 0x7fff_ffff_ffff_ffffn;
/** Of the fields of an entry that have a fixed length at most. */
const FIXED_BYTES_MAX = 128;
const VARINT_BYTES_MAX = 5;
const START_BYTES = 64 << 10;

/**
 * Writes entries as messages of protobuf (`ContextEntry`), each behind its length, four bytes in little-endian order. By itself: the
 * runtime library takes three times as long for a manifest of many files, which is written by every deploy.
 */
export class EntryWriter {
  #bytes = new Uint8Array(START_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #encoder = new TextEncoder();

  get length(): number {
    return this.#length;
  }

  /** The bytes since the last call; valid until the next entry is added. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  add({ path, kind, mode, size, modifiedAtNs, target, sha256, chunks }: ContentEntry): void {
    const texts = 3 * (path.length + target.length);
    this.#reserve(texts + FIXED_BYTES_MAX + chunks.length * (sha256.length + VARINT_BYTES_MAX));
    const start = this.#length;
    this.#length += 4;
    this.#text(1, path);
    this.#number(2, KINDS[kind]);
    this.#number(3, mode);
    this.#long(4, BigInt(size));
    this.#long(5, modifiedAtNs > NS_MAX ? NS_MAX : modifiedAtNs);
    this.#text(6, target);
    this.#data(7, sha256);
    if (chunks.length > 1) {
      this.#data(8, joinDigests(chunks));
      this.#numbers(9, chunks.map(({ bytes }) => bytes));
    }
    this.#view.setUint32(start, this.#length - start - 4, true);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    [this.#bytes, this.#view] = [larger, new DataView(larger.buffer)];
  }

  #text(field: number, text: string): void {
    if (text === "") return;
    this.#varint(field << 3 | 2);
    const at = this.#length;
    // Most lengths take one byte; the text moves for those that do not.
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(at + 1));
    this.#varint(written);
    const moved = this.#length - at - 1;
    if (moved > 0) {
      this.#length = at;
      this.#varint(written);
      this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length));
    }
    this.#length += written;
  }

  #data(field: number, data: Uint8Array): void {
    if (data.length === 0) return;
    this.#varint(field << 3 | 2);
    this.#varint(data.length);
    this.#bytes.set(data, this.#length);
    this.#length += data.length;
  }

  #number(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(field << 3);
    this.#varint(value);
  }

  #numbers(field: number, values: readonly number[]): void {
    this.#varint(field << 3 | 2);
    this.#varint(values.reduce((sum, value) => sum + varintBytes(value), 0));
    for (const value of values) this.#varint(value);
  }

  #long(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#varint(field << 3);
    let [low, high] = [Number(value & 0xffff_ffffn), Number(BigInt.asUintN(32, value >> 32n))];
    for (; high > 0 || low > 0x7f; [low, high] = [(low >>> 7 | high << 25) >>> 0, high >>> 7]) {
      this.#bytes[this.#length++] = low & 0x7f | 0x80;
    }
    this.#bytes[this.#length++] = low;
  }

  #varint(value: number): void {
    for (; value > 0x7f; value >>>= 7) this.#bytes[this.#length++] = value & 0x7f | 0x80;
    this.#bytes[this.#length++] = value;
  }
}

function varintBytes(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
}
