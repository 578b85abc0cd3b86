import { createHash } from "node:crypto";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { CONTENT_CHUNKS } from "./chunker.ts";
import type { ChunkReference, ContentEntry, PackedChunk } from "./types.ts";

/** Chunks one behind the other: the unit in which content is uploaded. */
export interface Pack {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the bytes, in base64. */
  readonly checksumSha256: string;
  readonly chunks: readonly PackedChunk[];
}

/** A pack is closed when it holds this much. */
const PACK_BYTES = 4 << 20;
/** Below this a chunk is not worth the time of the reader. */
const DEFLATED_SHARE_MAX = 0.95;

/** A file that changed since its digests were made; the folder has to be read again. */
export class ContentChanged extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`"${path}" changed while it was uploaded`);
    this.path = path;
  }
}

/** Collects chunks into packs. */
export class PackWriter {
  #parts: Uint8Array[] = [];
  #chunks: PackedChunk[] = [];
  #size = 0;

  /** The pack that is full now. */
  add(reference: ChunkReference, plain: Uint8Array): Pack | undefined {
    const deflated = deflateRawSync(plain, { level: 1 });
    const smaller = deflated.length <= plain.length * DEFLATED_SHARE_MAX;
    // The caller uses its buffer again.
    const stored = smaller ? deflated : plain.slice();
    this.#chunks.push({ ...reference, offset: this.#size, storedBytes: stored.length, deflated: smaller });
    this.#parts.push(stored);
    this.#size += stored.length;
    return this.#size >= PACK_BYTES ? this.end() : undefined;
  }

  /** The last pack, unless there is nothing in it. */
  end(): Pack | undefined {
    if (this.#size === 0) return undefined;
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const checksumSha256 = createHash("sha256").update(bytes).digest("base64");
    const pack = { bytes, checksumSha256, chunks: this.#chunks };
    [this.#parts, this.#chunks, this.#size] = [[], [], 0];
    return pack;
  }
}

/**
 * Writes those chunks of a folder's files that `isMissing` names, each chunk once, and gives the packs that are full.
 *
 * @throws {ContentChanged} when a file does not hold what its digests say
 */
export function* packFiles(
  writer: PackWriter,
  root: string,
  entries: Iterable<ContentEntry>,
  isMissing: (chunk: ChunkReference) => boolean,
): Generator<Pack> {
  const buffer = new Uint8Array(CONTENT_CHUNKS.max);
  const packed = new Set<string>();
  for (const { path, chunks } of entries) {
    const wanted = chunks.filter(isMissing);
    if (wanted.length === 0) continue;
    using file = open(root, path);
    let offset = 0;
    for (const chunk of chunks) {
      const key = digestKey(chunk.digest);
      if (isMissing(chunk) && !packed.has(key)) {
        const plain = readAt(file, offset, buffer.subarray(0, chunk.bytes));
        if (plain === undefined || !matches(plain, chunk)) throw new ContentChanged(path);
        packed.add(key);
        const full = writer.add(chunk, plain);
        if (full !== undefined) yield full;
      }
      offset += chunk.bytes;
    }
  }
}

function open(root: string, path: string): Deno.FsFile {
  try {
    return Deno.openSync(join(root, path));
  } catch {
    throw new ContentChanged(path);
  }
}

function readAt(file: Deno.FsFile, offset: number, into: Uint8Array): Uint8Array | undefined {
  try {
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let filled = 0; filled < into.length;) {
      const read = file.readSync(into.subarray(filled));
      if (read === null) return undefined;
      filled += read;
    }
    return into;
  } catch {
    return undefined; // a folder by now, or trouble that reading it again names
  }
}

/**
 * The plain bytes of a chunk of a pack.
 *
 * @returns `undefined` when the pack does not hold at that place what the digest says
 */
export function unpackChunk(pack: Uint8Array, chunk: PackedChunk): Uint8Array | undefined {
  const stored = pack.subarray(chunk.offset, chunk.offset + chunk.storedBytes);
  if (stored.length !== chunk.storedBytes || chunk.bytes > CONTENT_CHUNKS.max) return undefined;
  try {
    const plain = chunk.deflated ? inflateRawSync(stored, { maxOutputLength: chunk.bytes }) : stored;
    return matches(plain, chunk) ? plain : undefined;
  } catch {
    return undefined; // not deflated data, or more than the chunk may have
  }
}

function matches(plain: Uint8Array, { digest, bytes }: ChunkReference): boolean {
  if (plain.length !== bytes) return false;
  const found = createHash("sha256").update(plain).digest();
  return found.every((byte, index) => byte === digest[index]);
}

/** A digest as the key of a map. */
export function digestKey(digest: Uint8Array): string {
  let key = "";
  for (const byte of digest) key += String.fromCharCode(byte);
  return key;
}
