import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import type { Entry } from "../archive/mod.ts";
import { type ChunkReference, DIGEST_BYTES } from "./types.ts";

/** Changes whenever chunks are cut in another way. */
const FORMAT = 1;
const FOLDERS_MAX = 16;
const FILE_BYTES_MAX = 256 << 20;
/** A file that changes twice within a tick of the file system's clock looks unchanged. */
const TICK_MS = 2_000;

/** The digests of a file's content. */
export interface FileDigests {
  readonly sha256: Uint8Array;
  readonly chunks: readonly ChunkReference[];
}

/**
 * Digests of the files of a folder, by their stamps (device, inode, size, times), so that an unchanged file is not read again.
 * Kept in a folder of this user's. A cache that cannot be read or written costs time and nothing else.
 */
export class StatCache {
  readonly #directory: string;
  readonly #key: string;
  #known = new Map<string, FileDigests>();

  private constructor(directory: string, root: string) {
    this.#directory = directory;
    this.#key = createHash("sha256").update(root).digest("hex").slice(0, DIGEST_BYTES);
  }

  /** Reads what is known of the folder `root`. */
  static async open(cacheDirectory: string, root: string): Promise<StatCache> {
    const cache = new StatCache(join(cacheDirectory, "digests"), root);
    try {
      if ((await stat(cache.#path())).size <= FILE_BYTES_MAX) {
        cache.#known = decode(await readFile(cache.#path(), "utf8"));
      }
    } catch {
      // None yet, or one of another version.
    }
    return cache;
  }

  find({ stamp, size }: Entry): FileDigests | undefined {
    return this.#known.get(`${stamp}:${size}`);
  }

  /** Replaces what is kept. A file that changed a moment ago is left out: its next change could go unseen. */
  async keep(files: ReadonlyMap<Entry, FileDigests>, nowMs: number): Promise<void> {
    const settled = [...files].filter(([{ changedAtMs }]) => changedAtMs < nowMs - TICK_MS);
    const known = new Map(settled.map(([{ stamp, size }, digests]) => [`${stamp}:${size}`, digests]));
    const same = known.size === this.#known.size &&
      [...known].every(([key, digests]) => this.#known.get(key) === digests);
    if (same) return;
    const temporary = `${this.#path()}.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeFile(temporary, encode(known), { mode: 0o600 });
      await rename(temporary, this.#path());
      await this.#prune();
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #path(): string {
    return join(this.#directory, `${this.#key}.jsonl`);
  }

  /** Drops the folders that were not used for longest. */
  async #prune(): Promise<void> {
    const names = await readdir(this.#directory);
    const aged = await Promise.all(names.map(async (name) => {
      const info = await stat(join(this.#directory, name)).catch(() => undefined); // removed meanwhile
      return { name, atMs: info?.mtimeMs ?? 0 };
    }));
    for (const { name } of aged.sort((a, b) => b.atMs - a.atMs).slice(FOLDERS_MAX)) {
      await rm(join(this.#directory, name), { force: true });
    }
  }
}

/** A line for each file: key, digest, and the digests and lengths of chunks where there are several. */
function encode(known: ReadonlyMap<string, FileDigests>): string {
  const lines = [JSON.stringify([FORMAT])];
  for (const [key, { sha256, chunks }] of known) {
    const several = chunks.length > 1 ? chunks.flatMap(({ digest, bytes }) => [base64(digest), bytes]) : [];
    lines.push(JSON.stringify([key, base64(sha256), ...several]));
  }
  return lines.join("\n");
}

function decode(text: string): Map<string, FileDigests> {
  const [head, ...lines] = text.split("\n");
  const known = new Map<string, FileDigests>();
  if (head !== JSON.stringify([FORMAT])) return known;
  for (const line of lines) {
    const fields: unknown = JSON.parse(line);
    if (!Array.isArray(fields)) continue;
    const [key, digest, ...several] = fields;
    if (typeof key !== "string" || typeof digest !== "string") continue;
    const sha256 = bytesOf(digest);
    const size = Number(key.slice(key.lastIndexOf(":") + 1));
    const chunks = several.length === 0 ? single(sha256, size) : pairs(several);
    if (chunks.reduce((sum, { bytes }) => sum + bytes, 0) === size) known.set(key, { sha256, chunks });
  }
  return known;
}

function single(digest: Uint8Array, bytes: number): readonly ChunkReference[] {
  return bytes === 0 ? [] : [{ digest, bytes }];
}

function pairs(fields: readonly unknown[]): readonly ChunkReference[] {
  const chunks: ChunkReference[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [digest, bytes] = [fields[index], fields[index + 1]];
    if (typeof digest === "string" && typeof bytes === "number") {
      chunks.push({ digest: bytesOf(digest), bytes });
    }
  }
  return chunks;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
