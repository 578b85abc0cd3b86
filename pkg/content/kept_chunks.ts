import { digestKey } from "./digest.ts";

/** One allocation for many small files. */
const SLAB_BYTES = 4 << 20;

/** Plain chunks that were read for their digests and are likely to be packed, so that their files are read once. */
export class KeptChunks {
  readonly #chunks = new Map<string, Uint8Array>();
  #room: number;
  #slab = new Uint8Array(0);
  #used = 0;

  constructor(bytesMax: number) {
    this.#room = bytesMax;
  }

  /** Keeps a copy, as long as there is room. */
  add(digest: Uint8Array, plain: Uint8Array): void {
    if (plain.length > this.#room || plain.length > SLAB_BYTES) return;
    if (plain.length > this.#slab.length - this.#used) {
      [this.#slab, this.#used] = [new Uint8Array(Math.min(SLAB_BYTES, this.#room)), 0];
    }
    const copy = this.#slab.subarray(this.#used, this.#used + plain.length);
    copy.set(plain);
    this.#used += plain.length;
    this.#room -= plain.length;
    this.#chunks.set(digestKey(digest), copy);
  }

  get(digest: Uint8Array): Uint8Array | undefined {
    return this.#chunks.get(digestKey(digest));
  }
}
