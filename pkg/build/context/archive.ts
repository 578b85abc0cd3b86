import { Buffer } from "node:buffer";
import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { arrange, normalized, targetOf } from "./arrange.ts";
import { notAnArchive, tooLarge, tooMany } from "./faults.ts";
import { stampDigest } from "./stamp.ts";
import { type TarEntry, TarProblem, TarReader } from "./tar_reader.ts";
import type { ContextEntry, ContextTree } from "./tree.ts";

/** The archive of a context, unpacked into one file. Dispose of it, or the file stays open. */
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

const FILE_MODE = 0o600;
const READ_BYTES = 128 * 1024;
/** Of gzip (RFC 1952, section 2.3.1). */
const MAGIC_BYTES = 2;
const GUNZIP_CHUNK_BYTES = 256 * 1024;

/**
 * Unpacks a tar archive, compressed with gzip or not.
 *
 * @throws `invalid_argument` for bytes that are no archive of a context, `too_large` beyond a limit
 */
export async function openArchive(
  source: ReadableStream<Uint8Array>,
  options: ArchiveOptions,
): Promise<ContextArchive> {
  const file = await namelessFile(options.temporaryDirectory);
  try {
    const { listed, sizeBytes } = await unpack(source, file, options);
    const entries = arrange(listed, options.entriesMax);
    const read = (entry: ContextEntry): Generator<Uint8Array> => pieces(file.fd, listed, entry);
    return {
      entries,
      sizeBytes,
      stampDigest: await stampDigest(entries, read, options.signal),
      async *read(entry, signal) {
        for (const piece of read(entry)) {
          signal.throwIfAborted();
          yield piece;
        }
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    if (error instanceof TarProblem) throw notAnArchive(error.message, error);
    throw error;
  }
}

/** A file that is removed before its first byte, so that the system frees it even when the process is killed. */
async function namelessFile(temporaryDirectory: string): Promise<FileHandle> {
  const directory = await Deno.makeTempDir({ dir: temporaryDirectory, prefix: "unkey-context-" });
  try {
    return await open(join(directory, "context.tar"), "wx+", FILE_MODE);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface Unpacked {
  readonly listed: ReadonlyMap<string, TarEntry>;
  readonly sizeBytes: number;
}

async function unpack(
  source: ReadableStream<Uint8Array>,
  file: FileHandle,
  { bytesMax, entriesMax, signal }: ArchiveOptions,
): Promise<Unpacked> {
  const listed = new Map<string, TarEntry>();
  const reader = new TarReader((entry) => {
    const name = normalized(entry);
    if (name === "") return;
    // Of two entries with one name the last counts, as when tar extracts them.
    listed.delete(name);
    listed.set(name, { ...entry, path: name, target: targetOf(entry) });
    if (listed.size > entriesMax) throw tooMany(entriesMax);
  });
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
  const reader = source.getReader();
  // A source that stalls would not see the signal: cancelled, its pending read ends.
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    while (true) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Waits for the two bytes that tell gzip, which may come one by one, and leaves them in the stream. */
async function firstBytes(bytes: Readable): Promise<Uint8Array> {
  let head = new Uint8Array(0);
  for await (const chunk of bytes.iterator({ destroyOnReturn: false })) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= MAGIC_BYTES) break;
  }
  if (head.length > 0) bytes.unshift(head);
  return head;
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    error.code.startsWith("Z_");
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
