import { fromBinary } from "@bufbuild/protobuf";
import { type ContextEntry, ContextEntrySchema } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { publicFault } from "../fault/mod.ts";
import { CHUNK_BYTES_MAX, Chunker, MANIFEST_CHUNKS } from "./chunker.ts";
import { contentIdOf } from "./content_id.ts";
import { EntryWriter, KINDS } from "./entry_writer.ts";
import { digestOf } from "./digest.ts";
import { type ChunkReference, type ContentEntry, type ContextRoot, DIGEST_BYTES } from "./types.ts";

const NAMES = new Map(Object.entries(KINDS).map(([name, kind]) => [kind, name]));
/** Of one entry: a path and the chunks of a file of a tebibyte are below it. */
const ENTRY_BYTES_MAX = 64 << 20;
const PATH_BYTES_MAX = 4_096;
/** In front of each entry. */
const LENGTH_BYTES = 4;
/** Entries are cut into chunks when this much is written. */
const WRITTEN_BYTES = 32 << 10;

/** A manifest, cut into chunks. */
export interface Manifest {
  readonly root: ContextRoot;
  /** The plain bytes of the chunks of `root.manifest`. */
  readonly chunks: readonly Uint8Array[];
}

/** Lists a tree. `entries` are in the order of the walk. */
export function cutManifest(entries: readonly ContentEntry[]): Manifest {
  const chunker = new Chunker(MANIFEST_CHUNKS);
  const chunks: Uint8Array[] = [];
  // A chunk is a view that the next one overwrites.
  const take = (chunk: Uint8Array): void => void chunks.push(chunk.slice());
  const cut = (bytes: Uint8Array): void => {
    for (const chunk of chunker.push(bytes)) take(chunk);
  };
  const writer = new EntryWriter();
  for (const entry of entries) {
    writer.add(entry);
    if (writer.length >= WRITTEN_BYTES) cut(writer.take());
  }
  cut(writer.take());
  for (const chunk of chunker.end()) take(chunk);
  const manifest = chunks.map((chunk) => ({
    digest: digestOf(chunk),
    bytes: chunk.length,
  }));
  return { root: { manifest, contentId: contentIdOf(entries) }, chunks };
}

/** Reads a manifest that arrives in pieces of any size. */
export class ManifestReader {
  /** Pieces from the next entry on. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** Nothing is complete below it: pieces of a large entry are joined once. */
  #neededBytes = LENGTH_BYTES;

  /**
   * The entries that are complete now.
   *
   * @throws `invalid_argument` for what is no entry of a context
   */
  *push(piece: Uint8Array): Generator<ContentEntry> {
    this.#hold(piece.slice());
    if (this.#heldBytes < this.#neededBytes) return;
    const bytes = joined(this.#held, this.#heldBytes);
    const view = new DataView(bytes.buffer);
    let at = 0;
    let neededBytes = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = view.getUint32(at, true);
      if (length > ENTRY_BYTES_MAX) throw invalid("an entry is too large");
      neededBytes = LENGTH_BYTES + length;
      if (bytes.length - at < neededBytes) break;
      yield decode(bytes.subarray(at + LENGTH_BYTES, at + neededBytes));
      at += neededBytes;
      neededBytes = LENGTH_BYTES;
    }
    [this.#held, this.#heldBytes, this.#neededBytes] = [[], 0, neededBytes];
    this.#hold(bytes.slice(at));
  }

  #hold(piece: Uint8Array): void {
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  /** @throws `invalid_argument` when the last entry is not whole */
  end(): void {
    if (this.#heldBytes > 0) throw invalid("its end is missing");
  }
}

function joined(pieces: readonly Uint8Array[], byteCount: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function decode(bytes: Uint8Array): ContentEntry {
  let message: ContextEntry;
  try {
    message = fromBinary(ContextEntrySchema, bytes);
  } catch (cause) {
    throw invalid("an entry cannot be read", cause);
  }
  const { path, mode, size, modifiedAtNs, target, sha256 } = message;
  const kind = NAMES.get(message.kind);
  if (!isKind(kind)) throw invalid(`"${path}" is of an unknown kind`);
  if (!isPath(path) || (kind === "hard_link" && !isPath(target))) {
    throw invalid(`"${path}" is no path of a context`);
  }
  if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`the size of "${path}" is none`);
  const entry = { path, kind, mode: mode & 0o7777, size: Number(size), modifiedAtNs, target, sha256 };
  return { ...entry, chunks: kind === "file" ? chunksOf(message) : [] };
}

function isKind(name: string | undefined): name is ContentEntry["kind"] {
  return name !== undefined && name in KINDS;
}

function isPath(path: string): boolean {
  return path !== "" && new TextEncoder().encode(path).length <= PATH_BYTES_MAX && !path.includes("\0") &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function chunksOf(
  { path, size, sha256, chunkDigests, chunkLengths }: ContextEntry,
): readonly ChunkReference[] {
  if (sha256.length !== DIGEST_BYTES) throw invalid(`"${path}" has no digest`);
  const lengths = chunkLengths.length === 0 ? [Number(size)] : chunkLengths;
  if (lengths.some((bytes) => bytes > CHUNK_BYTES_MAX)) {
    throw invalid(`"${path}" has a chunk that is too large`);
  }
  if (chunkLengths.length === 0) return size === 0n ? [] : [{ digest: sha256, bytes: Number(size) }];
  if (chunkDigests.length !== chunkLengths.length * DIGEST_BYTES) {
    throw invalid(`"${path}" has too few digests`);
  }
  if (chunkLengths.reduce((sum, bytes) => sum + bytes, 0) !== Number(size)) {
    throw invalid(`the chunks of "${path}" are not its size`);
  }
  return chunkLengths.map((bytes, index) => ({
    digest: chunkDigests.slice(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
    bytes,
  }));
}

function invalid(why: string, cause?: unknown): Error {
  return publicFault("invalid_argument", `The manifest of the build context is not valid: ${why}.`, cause);
}
