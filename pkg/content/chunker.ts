/** Bounds of the chunks that a file is cut into, in bytes. */
export interface ChunkSizes {
  readonly min: number;
  /** A power of two. */
  readonly average: number;
  readonly max: number;
}

/** Of file contents. */
export const CONTENT_CHUNKS: ChunkSizes = { min: 128 << 10, average: 512 << 10, max: 1536 << 10 };
/** Of any content: commands of the first versions cut larger chunks, which are stored and come again. */
export const CHUNK_BYTES_MAX = 4 << 20;
/** Of manifests, where an edit changes few bytes. */
export const MANIFEST_CHUNKS: ChunkSizes = { min: 16 << 10, average: 64 << 10, max: 256 << 10 };

const GEAR = gearTable();

/**
 * Cuts a stream of bytes where its content says so: an edit changes the chunks that it touches, and the cuts behind it are found
 * again. FastCDC with normalized chunking (Xia et al., USENIX ATC 2016).
 */
export class Chunker {
  readonly #sizes: ChunkSizes;
  /** More bits: a cut before the average is rarer. */
  readonly #maskBefore: number;
  readonly #maskAfter: number;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  #filled = 0;
  /** Where the search for a cut goes on, and its hash there. */
  #at = 0;
  #hash = 0;

  constructor(sizes: ChunkSizes) {
    this.#sizes = sizes;
    const bits = Math.log2(sizes.average);
    this.#maskBefore = maskOf(bits + 1);
    this.#maskAfter = maskOf(bits - 1);
    this.#buffer = new Uint8Array(sizes.max);
    this.#at = sizes.min;
  }

  /** The chunks that end within `bytes`. Each is a view that is valid until the next one is asked for. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let taken = 0; taken < bytes.length;) {
      const room = this.#buffer.length - this.#filled;
      const piece = bytes.subarray(taken, taken + room);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      for (let end = this.#nextCut(); end > 0; end = this.#nextCut()) {
        yield this.#buffer.subarray(0, end);
        this.#drop(end);
      }
    }
  }

  /** The rest, when the stream has ended. */
  *end(): Generator<Uint8Array> {
    if (this.#filled > 0) yield this.#buffer.subarray(0, this.#filled);
    this.#drop(this.#filled);
  }

  /** Where the first chunk ends; 0 when that cannot be said yet. */
  #nextCut(): number {
    const { min, average, max } = this.#sizes;
    const end = this.#filled;
    let [at, hash] = [this.#at, this.#hash];
    for (
      const [until, mask] of [[Math.min(end, average), this.#maskBefore], [end, this.#maskAfter]] as const
    ) {
      for (; at < until; at++) {
        hash = (hash << 1) + (GEAR[this.#buffer[at] ?? 0] ?? 0) | 0;
        if ((hash & mask) === 0) return at + 1;
      }
    }
    [this.#at, this.#hash] = [Math.max(at, min), hash];
    return end === max ? max : 0;
  }

  #drop(end: number): void {
    this.#buffer.copyWithin(0, end, this.#filled);
    this.#filled -= end;
    this.#at = this.#sizes.min;
    this.#hash = 0;
  }
}

/** The upper bits of the hash depend on the most bytes before. */
function maskOf(bits: number): number {
  return (0xffffffff << (32 - bits)) | 0;
}

/** Random numbers that never change: with others, every chunk of every project would be sent again. */
function gearTable(): Int32Array {
  const table = new Int32Array(256);
  let state = 0x9e3779b9;
  for (let index = 0; index < table.length; index++) {
    // xorshift32 (Marsaglia, 2003)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    table[index] = state;
  }
  return table;
}
