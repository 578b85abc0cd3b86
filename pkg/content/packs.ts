import { createHash } from "node:crypto";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync, type ZlibOptions } from "node:zlib";
import { CHUNK_BYTES_MAX } from "./chunker.ts";
import { digestKey, digestOf } from "./digest.ts";
import type { KeptChunks } from "./kept_chunks.ts";
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

/** The smallest buffer that zlib takes. */
const OUTPUT_BYTES_MIN = 64;

/** Of a larger chunk three samples are deflated first: pictures, archives and the like take long and get no smaller. */
const SAMPLED_BYTES_MIN = 128 << 10;
const SAMPLE_BYTES = 16 << 10;

/** A file that changed since its digests were made; the folder has to be read again. */
export class ContentChanged extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`"${path}" changed while it was uploaded`);
    this.path = path;
  }
}

/** The files of a folder by their digests. */
export interface PackedFolder {
  /** Absolute, without links. */
  readonly root: string;
  readonly entries: Iterable<ContentEntry>;
  /** Chunks that need not be read again. */
  readonly kept?: KeptChunks | undefined;
}

/** Collects chunks into packs. */
export class PackWriter {
  #parts: Uint8Array[] = [];
  #chunks: PackedChunk[] = [];
  #size = 0;

  /** The pack that is full now. */
  add(reference: ChunkReference, plain: Uint8Array): Pack | undefined {
    const deflated = deflateWorthwhile(plain);
    // The caller uses its buffer again.
    const stored = deflated ?? plain.slice();
    const { digest, bytes } = reference;
    const place = { offset: this.#size, storedBytes: stored.length, deflated: deflated !== undefined };
    this.#chunks.push({ digest, bytes, ...place });
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

/** `undefined`: it does not get much smaller. */
function deflateWorthwhile(plain: Uint8Array): Uint8Array | undefined {
  if (plain.length >= SAMPLED_BYTES_MIN) {
    const last = plain.length - SAMPLE_BYTES;
    const samples = [0, last / 2, last].map((at) => plain.subarray(at, at + SAMPLE_BYTES));
    if (samples.every((sample) => deflate(sample) === undefined)) return undefined;
  }
  return deflate(plain);
}

function deflate(plain: Uint8Array): Uint8Array | undefined {
  // One buffer for the whole output: the default of 16 KiB costs more than it takes to deflate a small file.
  const deflated = deflateRawSync(plain, { level: 1, chunkSize: Math.max(plain.length, OUTPUT_BYTES_MIN) });
  return deflated.length <= plain.length * DEFLATED_SHARE_MAX ? deflated : undefined;
}

/**
 * Writes those chunks of a folder's files that `isMissing` names, each chunk once, and gives the packs that are full.
 *
 * @throws {ContentChanged} when a file does not hold what its digests say
 */
export function* packFiles(
  writer: PackWriter,
  folder: PackedFolder,
  isMissing: (chunk: ChunkReference) => boolean,
): Generator<Pack> {
  const buffer = new Uint8Array(CHUNK_BYTES_MAX);
  const packed = new Set<string>();
  const isWanted = (chunk: ChunkReference): boolean =>
    isMissing(chunk) && !packed.has(digestKey(chunk.digest));
  for (const entry of folder.entries) {
    if (!entry.chunks.some(isWanted)) continue;
    for (const [chunk, plain] of plainChunks(folder, entry, { isWanted, buffer })) {
      packed.add(digestKey(chunk.digest));
      const full = writer.add(chunk, plain);
      if (full !== undefined) yield full;
    }
  }
}

/** Each is valid until the next one is asked for. */
function* plainChunks(
  { root, kept }: Omit<PackedFolder, "entries">,
  { path, chunks }: ContentEntry,
  { isWanted, buffer }: {
    readonly isWanted: (chunk: ChunkReference) => boolean;
    readonly buffer: Uint8Array;
  },
): Generator<readonly [ChunkReference, Uint8Array]> {
  const [first] = chunks;
  const known = first === undefined || chunks.length > 1 ? undefined : kept?.get(first.digest);
  if (first !== undefined && known !== undefined) return yield [first, known];
  using file = openFile(root, path);
  let offset = 0;
  for (const chunk of chunks) {
    if (isWanted(chunk)) {
      const plain = readAt(file, offset, buffer.subarray(0, chunk.bytes));
      if (plain === undefined || !matches(plain, chunk)) throw new ContentChanged(path);
      yield [chunk, plain];
    }
    offset += chunk.bytes;
  }
}

function openFile(root: string, path: string): Deno.FsFile {
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
  if (stored.length !== chunk.storedBytes || chunk.bytes > CHUNK_BYTES_MAX) return undefined;
  try {
    const plain = chunk.deflated ? inflateRawSync(stored, outputOf(chunk)) : stored;
    return matches(plain, chunk) ? plain : undefined;
  } catch {
    return undefined; // not deflated data, or more than the chunk may have
  }
}

/** One buffer for the whole output, as for deflating. */
function outputOf({ bytes }: PackedChunk): ZlibOptions {
  return { maxOutputLength: bytes, chunkSize: Math.max(bytes, OUTPUT_BYTES_MIN) };
}

function matches(plain: Uint8Array, { digest, bytes }: ChunkReference): boolean {
  if (plain.length !== bytes) return false;
  return digestKey(digestOf(plain)) === digestKey(digest);
}
