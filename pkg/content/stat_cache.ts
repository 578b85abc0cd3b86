import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Entry } from "../archive/mod.ts";
import { decodeDigests, encodeDigests } from "./stat_cache_format.ts";
import { DIGEST_BYTES, type FileDigests } from "./types.ts";

const FOLDERS_MAX = 16;
const FILE_BYTES_MAX = 256 << 20;
/** A file that changes twice within a tick of the file system's clock looks unchanged. */
const TICK_MS = 2_000;

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
        cache.#known = decodeDigests(await readFile(cache.#path()));
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
    const known = new Map<string, FileDigests>();
    let same = true;
    for (const [{ changedAtMs, stamp, size }, digests] of files) {
      if (changedAtMs >= nowMs - TICK_MS) continue;
      const key = `${stamp}:${size}`;
      known.set(key, digests);
      same &&= this.#known.get(key) === digests;
    }
    if (same && known.size === this.#known.size) return;
    const temporary = `${this.#path()}.${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeFile(temporary, encodeDigests(known), { mode: 0o600 });
      await rename(temporary, this.#path());
      await this.#prune();
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  #path(): string {
    return join(this.#directory, `${this.#key}.digests`);
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
