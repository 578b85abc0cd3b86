import { type AttributeReader, type Entry, stampOf } from "../archive/mod.ts";
import type { CooperativeYield } from "../async/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { Chunker, CONTENT_CHUNKS } from "./chunker.ts";
import { digestOf, joinDigests } from "./digest.ts";
import type { KeptChunks } from "./kept_chunks.ts";
import type { ChunkReference, FileDigests } from "./types.ts";

const PART_BYTES = 1 << 20;
const READS_MAX = 3;
/** Chunks of a file that are digested at a time. */
const DIGESTING_MAX = 4;
/** Files up to this size are one chunk. */
const SINGLE_BYTES_MAX = 1 << 20;

interface Helpers {
  readonly breaks: CooperativeYield;
  readonly attributes: AttributeReader;
  /** Gets the content of small files. */
  readonly kept?: KeptChunks;
}

/** Reads files with one buffer for all. */
export class FileReader {
  readonly #root: string;
  readonly #helpers: Helpers;
  readonly #part = new Uint8Array(PART_BYTES);
  /** For the byte that shows that a file has grown. */
  readonly #whole = new Uint8Array(SINGLE_BYTES_MAX + 1);
  readonly #chunker = new Chunker(CONTENT_CHUNKS);

  constructor(root: string, helpers: Helpers) {
    this.#root = root;
    this.#helpers = helpers;
  }

  /**
   * Reads a small file with the fewest calls of the system.
   *
   * @returns `undefined` unless the file is the one that was listed, with the same stamp after it was read
   */
  digestSmall({ path, size, stamp }: Entry): FileDigests | undefined {
    if (size > SINGLE_BYTES_MAX) return undefined;
    const { attributes, kept } = this.#helpers;
    const name = `${this.#root}/${path}`;
    try {
      const read = readOnce(name, this.#whole);
      const bytes = this.#whole.subarray(0, read);
      if (read !== size || stampOf(attributes.lstat(name)) !== stamp) return undefined;
      const digests = single(bytes);
      kept?.add(digests.sha256, bytes);
      return digests;
    } catch {
      return undefined; // gone, changed or not readable: the other way to read it says so
    }
  }

  /** `undefined`: the file is gone. */
  async digest(path: string): Promise<FileDigests | undefined> {
    for (let reads = 1; reads <= READS_MAX; reads++) {
      using file = this.#open(path);
      if (file === undefined) return undefined;
      const before = file.statSync();
      const digests = await this.#read(file, path);
      const after = file.statSync();
      if (before.size === after.size && before.mtime?.getTime() === after.mtime?.getTime()) return digests;
    }
    throw publicFault(
      "failed_precondition",
      `"${path}" changes all the time. Exclude it in .dockerignore, or stop the program that writes it.`,
    );
  }

  #open(path: string): Deno.FsFile | undefined {
    try {
      return Deno.openSync(`${this.#root}/${path}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw unreadable(path, error);
    }
  }

  async #read(file: Deno.FsFile, path: string): Promise<FileDigests> {
    const filled = fill(file, path, this.#whole);
    const start = this.#whole.subarray(0, filled);
    if (filled <= SINGLE_BYTES_MAX) return single(start);
    const digests = new ChunkDigests();
    for (let bytes = start; bytes.length > 0; bytes = this.#part.subarray(0, fill(file, path, this.#part))) {
      for (const chunk of this.#chunker.push(bytes)) await digests.add(chunk);
      await this.#helpers.breaks.pause();
    }
    for (const chunk of this.#chunker.end()) await digests.add(chunk);
    const chunks = await digests.all();
    const [only] = chunks;
    const sha256 = chunks.length === 1 && only !== undefined ? only.digest : digestOf(joinDigests(chunks));
    return { sha256, chunks };
  }
}

/** Digests chunks on other threads while this one looks for the next cut. */
class ChunkDigests {
  readonly #chunks: ChunkReference[] = [];
  readonly #pending: Promise<ChunkReference>[] = [];

  /** Takes a copy, and waits while enough chunks are being digested. */
  async add(chunk: Uint8Array): Promise<void> {
    const bytes = chunk.slice();
    const reference = crypto.subtle.digest("SHA-256", bytes)
      .then((digest) => ({ digest: new Uint8Array(digest), bytes: bytes.length }));
    this.#pending.push(reference);
    if (this.#pending.length >= DIGESTING_MAX) await this.#takeFirst();
  }

  async all(): Promise<readonly ChunkReference[]> {
    while (this.#pending.length > 0) await this.#takeFirst();
    return this.#chunks;
  }

  async #takeFirst(): Promise<void> {
    const first = await this.#pending.shift();
    if (first !== undefined) this.#chunks.push(first);
  }
}

function fill(file: Deno.FsFile, path: string, buffer: Uint8Array): number {
  let filled = 0;
  try {
    while (filled < buffer.length) {
      const read = file.readSync(buffer.subarray(filled));
      if (read === null) break;
      filled += read;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return filled;
}

function unreadable(path: string, error: unknown): Error {
  const why = error instanceof Deno.errors.PermissionDenied
    ? "you lack the permission. Change it, or exclude the path in .dockerignore."
    : `${error instanceof Error ? error.message : String(error)}. Try again.`;
  return publicFault("failed_precondition", `"${path}" cannot be read: ${why}`, error);
}

/** Closes by itself: the bundler drops a `using` whose variable is used once, with its end. */
function readOnce(name: string, buffer: Uint8Array): number {
  const file = Deno.openSync(name);
  try {
    return file.readSync(buffer) ?? 0;
  } finally {
    file.close();
  }
}

function single(bytes: Uint8Array): FileDigests {
  const sha256 = digestOf(bytes);
  return { sha256, chunks: bytes.length === 0 ? [] : [{ digest: sha256, bytes: bytes.length }] };
}
