import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { publicFault } from "../../fault/mod.ts";
import { comparePaths } from "./order.ts";
import { type TarEntry, TarProblem, TarReader } from "./tar_reader.ts";
import type { ContextEntry, ContextTree } from "./tree.ts";

/** The archive of a context, unpacked into one file. Dispose of it, or the file stays. */
export interface ContextArchive extends ContextTree, AsyncDisposable {
  /** Bytes on disk. */
  readonly sizeBytes: number;
  /**
   * Differs whenever files may differ whose size and time are the same. BuildKit tells changed files by size and time, which is
   * right for times that a file system gave, but not for those that a tool has set: they are whole seconds, often the same for
   * all files. Of such files this is a digest of the content; a context without them has an empty one.
   */
  readonly stampDigest: string;
}

export interface ArchiveOptions {
  /** Where the unpacked file is made. */
  readonly temporaryDirectory: string;
  /** Decompressed bytes. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly signal: AbortSignal;
}

const READ_BYTES = 128 * 1024;
const GUNZIP_CHUNK_BYTES = 256 * 1024;
const PARENT_MODE = 0o755;
const NANOSECONDS = 1_000_000_000n;

/**
 * Unpacks a tar archive, compressed with gzip or not.
 *
 * @throws `invalid_argument` for bytes that are no archive of a context, `too_large` beyond a limit
 */
export async function openArchive(
  source: ReadableStream<Uint8Array>,
  options: ArchiveOptions,
): Promise<ContextArchive> {
  const directory = await Deno.makeTempDir({ dir: options.temporaryDirectory, prefix: "unkey-context-" });
  const remove = (): Promise<void> => Deno.remove(directory, { recursive: true });
  try {
    const path = join(directory, "context.tar");
    const { listed, sizeBytes } = await unpack(source, path, options);
    const entries = arrange(listed);
    const descriptor = openSync(path, "r");
    const read = (entry: ContextEntry): Generator<Uint8Array> => pieces(descriptor, listed, entry);
    return {
      entries,
      sizeBytes,
      stampDigest: stampDigest(entries, read),
      async *read(entry, signal) {
        for (const piece of read(entry)) {
          signal.throwIfAborted();
          yield piece;
        }
      },
      async [Symbol.asyncDispose]() {
        closeSync(descriptor);
        await remove();
      },
    };
  } catch (error) {
    await remove();
    if (error instanceof TarProblem) throw notAnArchive(error.message, error);
    throw error;
  }
}

interface Unpacked {
  readonly listed: ReadonlyMap<string, TarEntry>;
  readonly sizeBytes: number;
}

async function unpack(
  source: ReadableStream<Uint8Array>,
  path: string,
  { bytesMax, entriesMax, signal }: ArchiveOptions,
): Promise<Unpacked> {
  const listed = new Map<string, TarEntry>();
  const reader = new TarReader((entry) => {
    const name = normalized(entry);
    if (name === "") return;
    // Of two entries with one name the last counts, as when tar extracts them.
    listed.delete(name);
    listed.set(name, { ...entry, path: name, target: targetOf(entry) });
    if (listed.size > entriesMax) throw tooLarge(`more than ${entriesMax} files and folders`);
  });
  await using file = await open(path, "w", 0o600);
  let sizeBytes = 0;
  for await (const chunk of decompressed(source, signal)) {
    sizeBytes += chunk.length;
    if (sizeBytes > bytesMax) throw tooLarge(`more than ${Math.floor(bytesMax / 1024 / 1024)} MiB unpacked`);
    reader.push(chunk);
    await file.writeFile(chunk);
  }
  reader.end();
  return { listed, sizeBytes };
}

async function* decompressed(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const bytes = Readable.from(abortable(source, signal), { objectMode: false });
  const head = await firstBytes(bytes);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* bytes;
  const gunzip = createGunzip({ chunkSize: GUNZIP_CHUNK_BYTES });
  bytes.on("error", (error: Error) => gunzip.destroy(error));
  try {
    yield* bytes.pipe(gunzip);
  } catch (error) {
    if (isZlibError(error)) throw new TarProblem("its compression is damaged, or it is cut off");
    throw error;
  } finally {
    bytes.destroy();
  }
}

async function* abortable(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** Waits for bytes and leaves them in the stream. */
async function firstBytes(bytes: Readable): Promise<Uint8Array> {
  for await (const chunk of bytes.iterator({ destroyOnReturn: false })) {
    bytes.unshift(chunk);
    return chunk;
  }
  return new Uint8Array(0);
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    error.code.startsWith("Z_");
}

/** Relative, without `.`; empty for the context itself. */
function normalized({ path }: TarEntry): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || path.includes("\0")) {
    throw new TarProblem(`"${path.slice(0, 200)}" leads out of the context`);
  }
  return parts.join("/");
}

function targetOf(entry: TarEntry): string {
  return entry.kind === "hard_link" ? normalized({ ...entry, path: entry.target }) : entry.target;
}

/** Sorts the entries, adds folders that the archive does not name, and checks what hangs below what. */
function arrange(listed: ReadonlyMap<string, TarEntry>): readonly ContextEntry[] {
  const all = new Map<string, ContextEntry>();
  for (const { offset: _offset, ...entry } of listed.values()) {
    for (let at = entry.path.indexOf("/"); at > 0; at = entry.path.indexOf("/", at + 1)) {
      const parent = entry.path.slice(0, at);
      const kind = listed.get(parent)?.kind;
      if (kind === undefined && !all.has(parent)) {
        all.set(parent, { ...entry, path: parent, kind: "folder", mode: PARENT_MODE, size: 0, target: "" });
      }
      if (kind !== undefined && kind !== "folder") {
        throw new TarProblem(`"${parent}" is a ${kind.replace("_", " ")}, and holds "${entry.path}"`);
      }
    }
    if (entry.kind === "hard_link" && listed.get(entry.target)?.kind !== "file") {
      throw new TarProblem(`"${entry.path}" is a hard link to "${entry.target}", which is not a file in it`);
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].sort((a, b) => comparePaths(a.path, b.path));
}

function* pieces(
  descriptor: number,
  listed: ReadonlyMap<string, TarEntry>,
  { path }: ContextEntry,
): Generator<Uint8Array> {
  const { offset = 0, size = 0 } = listed.get(path) ?? {};
  for (let at = 0; at < size;) {
    const piece = new Uint8Array(Math.min(READ_BYTES, size - at));
    const read = readSync(descriptor, piece, 0, piece.length, offset + at);
    if (read === 0) throw new Error(`the unpacked context ends in the middle of ${path}`);
    at += read;
    yield piece.subarray(0, read);
  }
}

function stampDigest(
  entries: readonly ContextEntry[],
  read: (entry: ContextEntry) => Iterable<Uint8Array>,
): string {
  const digest = createHash("sha256");
  let found = false;
  for (const entry of entries) {
    if (entry.kind !== "file" || entry.size === 0 || entry.modifiedAtNs % NANOSECONDS !== 0n) continue;
    found = true;
    const content = createHash("sha256");
    for (const piece of read(entry)) content.update(piece);
    digest.update(`${entry.path}\0`).update(content.digest());
  }
  return found ? digest.digest("hex") : "";
}

function notAnArchive(why: string, cause: unknown): Error {
  return publicFault(
    "invalid_argument",
    `The build context cannot be unpacked: ${why}. Deploy again with the unkey command line, which makes a new archive.`,
    cause,
  );
}

function tooLarge(what: string): Error {
  return publicFault(
    "too_large",
    `The build context has ${what}, which is more than is allowed. Name the files that the build does not need in .dockerignore.`,
  );
}
