import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { createTarPacker, type TarHeader } from "modern-tar";
import { publicFault } from "../fault/mod.ts";
import { type Cached, keepArchive, lookUpArchive } from "./cache.ts";
import { parseIgnoreFile, type Rule } from "./ignore_file.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { type Entry, listContext, unreadable } from "./walk.ts";

/** A folder and how to pack it. */
export interface PackOptions {
  /** Absolute path of the folder. */
  readonly root: string;
  /** Relative to the folder; it is packed even when it is ignored. */
  readonly dockerfile: string;
  /** Where an archive is kept for the next time, when nothing has changed until then. */
  readonly cacheDirectory: string;
  readonly temporaryDirectory: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A packed context; disposing of it removes what is not kept. */
export interface PackedContext extends AsyncDisposable {
  /** A `.tar.gz` that only the user can read. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Base64. */
  readonly checksumSha256: string;
  readonly files: number;
  /** Nothing had changed: the archive of the last time was taken. */
  readonly reused: boolean;
}

/** Builds of the same bytes are equal, so speed counts for more than the last few percent of size. */
const GZIP_LEVEL = 1;
const WHOLE_BYTES_MAX = 1024 * 1024;

/**
 * Packs what `.dockerignore` leaves of a folder. The same tree gives the same bytes on every machine: entries are sorted
 * and carry no time and no owner.
 *
 * @throws `failed_precondition` for an empty context and for what cannot be read, `invalid_argument` for a wrong pattern
 */
export async function packContext(options: PackOptions): Promise<PackedContext> {
  const { root, dockerfile, signal } = options;
  const { rules, file } = await readRules(root, dockerfile);
  const entries = await listContext(root, new IgnoreMatcher(rules, file), signal);
  const files = entries.filter(({ kind }) => kind !== "folder").length;
  if (files === 0) {
    throw publicFault("failed_precondition", `${root} has no files to build from, after ${file}.`);
  }
  const known = await lookUpArchive(options, entries);
  if (known !== undefined) return packed(known, files, true, () => Promise.resolve());

  const folder = await temporaryFolder(options.temporaryDirectory);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const made = await writeArchive(root, entries, join(folder, "context.tar.gz"), signal);
    await keepArchive(options, entries, made);
    return packed(made, files, false, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function packed(
  archive: Cached,
  files: number,
  reused: boolean,
  dispose: () => Promise<void>,
): PackedContext {
  return { ...archive, files, reused, [Symbol.asyncDispose]: dispose };
}

/** The ignore file of this Dockerfile, else the folder's; what a build needs to begin is never left out. */
async function readRules(
  root: string,
  dockerfile: string,
): Promise<{ rules: readonly Rule[]; file: string }> {
  for (const file of [`${dockerfile}.dockerignore`, ".dockerignore"]) {
    const text = await readFile(join(root, file), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const kept = [dockerfile, file].map((pattern) => ({ pattern, exception: true, line: 0 }));
    return { rules: [...parseIgnoreFile(text), ...kept], file };
  }
  return { rules: [], file: ".dockerignore" };
}

/** The sources of a company are nobody else's business: a folder that only this user can enter. */
async function temporaryFolder(base: string): Promise<string> {
  await mkdir(base, { recursive: true });
  const folder = await mkdtemp(join(base, "unkey-context-"));
  await chmod(folder, 0o700);
  return folder;
}

async function writeArchive(
  root: string,
  entries: readonly Entry[],
  path: string,
  signal: AbortSignal,
): Promise<Cached> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done): void {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const { readable, controller } = createTarPacker();
  const writing = pipeline(
    Readable.from(readable),
    createGzip({ level: GZIP_LEVEL }),
    meter,
    createWriteStream(path, { mode: 0o600 }),
    { signal },
  );
  const adding = (async () => {
    try {
      for (const entry of entries) await addEntry(root, entry, (header) => controller.add(header));
      controller.finalize();
    } catch (error) {
      controller.error(error);
      throw error;
    }
  })();
  const [added, written] = await Promise.allSettled([adding, writing]);
  signal.throwIfAborted();
  if (added.status === "rejected") throw added.reason;
  if (written.status === "rejected") throw written.reason;
  return { path, sizeBytes, checksumSha256: hash.digest("base64") };
}

async function addEntry(
  root: string,
  entry: Entry,
  add: (header: TarHeader) => WritableStream<Uint8Array>,
): Promise<void> {
  const common = { mode: entry.mode, uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) };
  if (entry.kind === "folder") {
    return await add({ ...common, name: `${entry.path}/`, size: 0, type: "directory" }).close();
  }
  if (entry.kind === "link") {
    return await add({ ...common, name: entry.path, size: 0, type: "symlink", linkname: entry.target })
      .close();
  }
  const body = add({ ...common, name: entry.path, size: entry.size, type: "file" });
  const writer = body.getWriter();
  let sent = 0;
  for await (const chunk of contentOf(root, entry)) {
    sent += chunk.length;
    if (sent > entry.size) break;
    await writer.write(chunk);
  }
  if (sent !== entry.size) {
    const text = `"${entry.path}" changed while it was packed. Deploy again once it stays as it is.`;
    throw publicFault("failed_precondition", text);
  }
  await writer.close();
}

async function* contentOf(root: string, { path, size }: Entry): AsyncGenerator<Uint8Array> {
  try {
    if (size === 0) return;
    if (size <= WHOLE_BYTES_MAX) yield await readFile(join(root, path));
    else yield* createReadStream(join(root, path), { highWaterMark: WHOLE_BYTES_MAX });
  } catch (error) {
    throw unreadable(path, error);
  }
}
