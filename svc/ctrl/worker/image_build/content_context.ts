/** A context by content: its manifest read, and its files from the packs that hold them. */
import { createHash } from "node:crypto";
import type { ContextArchive, ContextEntry } from "../../../../pkg/build/mod.ts";
import { type ChunkReference, type ContentEntry, ManifestReader } from "../../../../pkg/content/mod.ts";
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import { ChunkReader, type ChunkSource, manifestOf, readChunks } from "../../internal/contexts/mod.ts";
import { findContext } from "../../internal/store/mod.ts";
import { CONTEXT_MISSING, contextInvalid, type FailedBuild } from "./plan.ts";

const NANOSECONDS = 1_000_000_000n;

/**
 * Opens a context of a project. Files are fetched when the builder asks for them, so an edit costs what it changed.
 *
 * @throws `unavailable` when the object store does not answer
 */
export async function openContentContext(
  source: ChunkSource,
  projectId: string,
  id: string,
  signal: AbortSignal,
): Promise<ContextArchive | FailedBuild> {
  const context = await findContext(source.db.kysely, projectId, id);
  if (context === undefined) return CONTEXT_MISSING;
  try {
    const entries = await readEntries(source, projectId, manifestOf(context), signal);
    return new ContentContext(source, projectId, entries);
  } catch (error) {
    signal.throwIfAborted();
    return failedRead(error);
  }
}

/**
 * The reason why a file of a context could not be read. The builder has it only as the end of its session.
 *
 * @throws `unavailable` when the object store did not answer
 */
export function readFailure(context: ContextArchive): FailedBuild | undefined {
  const failure = context instanceof ContentContext ? context.failure : undefined;
  return failure === undefined ? undefined : failedRead(failure);
}

function failedRead(error: unknown): FailedBuild {
  if (isFault(error, "failed_precondition", "invalid_argument")) {
    return contextInvalid(error.publicMessage ?? error.message);
  }
  throw error;
}

async function readEntries(
  source: ChunkSource,
  projectId: string,
  manifest: readonly ChunkReference[],
  signal: AbortSignal,
): Promise<readonly ContentEntry[]> {
  const reader = new ManifestReader();
  const entries: ContentEntry[] = [];
  for await (const piece of readChunks(source, projectId, manifest, signal)) {
    entries.push(...reader.push(piece));
  }
  reader.end();
  return entries;
}

/** Files that are looked up one by one; a build that reads more of them reads most. */
const SINGLE_READS_MAX = 16;

class ContentContext implements ContextArchive {
  readonly entries: readonly ContextEntry[];
  readonly sizeBytes = 0;
  readonly stampDigest: string;
  readonly #source: ChunkSource;
  readonly #projectId: string;
  readonly #chunks: ReadonlyMap<string, readonly ChunkReference[]>;
  /** The first read that failed. */
  failure: Fault | undefined;
  /** Places of all chunks. */
  #reader: Promise<ChunkReader> | undefined;
  #singleReads = 0;

  constructor(source: ChunkSource, projectId: string, entries: readonly ContentEntry[]) {
    this.#source = source;
    this.#projectId = projectId;
    this.entries = entries.map(({ path, kind, mode, size, modifiedAtNs, target }) => ({
      path,
      kind,
      mode,
      size,
      modifiedAtNs,
      target,
    }));
    this.#chunks = new Map(entries.map(({ path, chunks }) => [path, chunks]));
    this.stampDigest = stampDigest(entries);
  }

  async *read({ path }: ContextEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const chunks = this.#chunks.get(path) ?? [];
    if (chunks.length === 0) return;
    try {
      const reader = await this.#readerOf(chunks);
      for (const [index, chunk] of chunks.entries()) {
        signal.throwIfAborted();
        const plain = await reader.read(chunk, signal);
        const next = chunks[index + 1];
        if (next !== undefined) reader.prepare(next, signal);
        yield plain;
      }
    } catch (error) {
      if (error instanceof Fault) this.failure ??= error;
      throw error;
    }
  }

  /** An edit of a large context is a build of few files: only their chunks are looked up and fetched. */
  #readerOf(chunks: readonly ChunkReference[]): Promise<ChunkReader> {
    if (this.#reader === undefined && this.#singleReads < SINGLE_READS_MAX) {
      this.#singleReads++;
      return ChunkReader.open(this.#source, this.#projectId, chunks, "these chunks");
    }
    return this.#reader ??= this.#openReader();
  }

  #openReader(): Promise<ChunkReader> {
    const all = [...this.#chunks.values()].flat();
    const opened = ChunkReader.open(this.#source, this.#projectId, all);
    // The next read tries again.
    opened.catch(() => this.#reader = undefined);
    return opened;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** As for archives: a digest of the files whose times a tool has set, which do not tell whether the content changed. */
function stampDigest(entries: readonly ContentEntry[]): string {
  const digest = createHash("sha256");
  let found = false;
  for (const { path, kind, size, modifiedAtNs, sha256 } of entries) {
    if (kind !== "file" || size === 0 || modifiedAtNs % NANOSECONDS !== 0n) continue;
    found = true;
    digest.update(`${path}\0`).update(sha256);
  }
  return found ? digest.digest("hex") : "";
}
