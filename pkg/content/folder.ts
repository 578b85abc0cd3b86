import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Entry } from "../archive/mod.ts";
import { CooperativeYield } from "../async/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { Chunker, CONTENT_CHUNKS } from "./chunker.ts";
import { type FileDigests, StatCache } from "./stat_cache.ts";
import type { ChunkReference, ContentEntry } from "./types.ts";

/** A folder whose files are to be known by their content. */
export interface FolderOptions {
  /** Absolute, without links. */
  readonly root: string;
  /** The entries of the context, in the order of the walk. */
  readonly entries: readonly Entry[];
  /** A folder of this user's, where digests are kept from one call to the next. */
  readonly cacheDirectory: string;
  /** Paths whose content was found to be another one than their digests say; these are read, whatever is kept of them. */
  readonly changed?: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

const PART_BYTES = 1 << 20;
const READS_MAX = 3;
/** Files up to this size are one chunk. */
const SINGLE_BYTES_MAX = 1 << 20;

/**
 * The entries with the digests of their content. A file that is gone when its turn comes is left out, with its other names; one
 * that changes while it is read is read again.
 *
 * @throws `failed_precondition` for a file that cannot be read, or that changes all the time; the reason of the signal
 */
export async function digestFolder(options: FolderOptions): Promise<readonly ContentEntry[]> {
  const { root, entries, cacheDirectory, changed, nowMs, signal } = options;
  const breaks = new CooperativeYield(signal);
  const cache = await StatCache.open(cacheDirectory, root);
  const reader = new FileReader(root, breaks);
  const files = new Map<Entry, FileDigests>();
  const gone = new Set<string>();
  const found: ContentEntry[] = [];
  for (const entry of entries) {
    const { path, kind, mode, modifiedAtNs, target } = entry;
    if (kind === "pipe" || kind === "socket") continue;
    const common = { path, kind, mode, size: 0, modifiedAtNs, target, sha256: NONE, chunks: [] };
    if (kind !== "file") {
      if (!gone.has(target) || kind !== "hard_link") found.push(common);
      continue;
    }
    await breaks.pause();
    const known = changed?.has(path) ? undefined : cache.find(entry);
    const digests = known ?? await reader.digest(path);
    if (digests === undefined) {
      gone.add(path);
      continue;
    }
    files.set(entry, digests);
    const size = digests.chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    found.push({ ...common, size, sha256: digests.sha256, chunks: digests.chunks });
  }
  await cache.keep(files, nowMs);
  return found;
}

const NONE = new Uint8Array(0);

/** Reads files with one buffer for all. */
class FileReader {
  readonly #root: string;
  readonly #breaks: CooperativeYield;
  readonly #part = new Uint8Array(PART_BYTES);
  /** For the byte that shows that a file has grown. */
  readonly #whole = new Uint8Array(SINGLE_BYTES_MAX + 1);
  readonly #chunker = new Chunker(CONTENT_CHUNKS);

  constructor(root: string, breaks: CooperativeYield) {
    this.#root = root;
    this.#breaks = breaks;
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
      return Deno.openSync(join(this.#root, path));
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
    if (filled <= SINGLE_BYTES_MAX) {
      const sha256 = digestOf(start);
      return { sha256, chunks: filled === 0 ? [] : [{ digest: sha256, bytes: filled }] };
    }
    const hash = createHash("sha256");
    const chunks: ChunkReference[] = [];
    const take = (chunk: Uint8Array): void =>
      void chunks.push({ digest: digestOf(chunk), bytes: chunk.length });
    for (let bytes = start; bytes.length > 0; bytes = this.#part.subarray(0, fill(file, path, this.#part))) {
      hash.update(bytes);
      for (const chunk of this.#chunker.push(bytes)) take(chunk);
      await this.#breaks.pause();
    }
    for (const chunk of this.#chunker.end()) take(chunk);
    return { sha256: new Uint8Array(hash.digest()), chunks };
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

function digestOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
