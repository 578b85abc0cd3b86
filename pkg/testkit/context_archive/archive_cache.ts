import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { sha256Hex, shortHash } from "../../hash/mod.ts";
import type { Written } from "./gzip_file.ts";
import type { Entry } from "../../archive/walk.ts";

const FORMAT = 2;
const ARCHIVES_MAX = 8;
const ARCHIVE_BYTES_MAX = 512 << 20;
/** Longer than any pack takes: what is older and has no record was left by a process that died. */
const LEFTOVER_MS = 24 * 60 * 60 * 1000;
/** A file that changes twice within a tick of the file system's clock looks unchanged. */
const TICK_MS = 2_000;

/** The prefix of folders in which archives are made. */
export const PREFIX = "pack-";

/** Identifies the state of a tree without reading its files: any change of content changes a file's stamp. */
export function fingerprint(entries: readonly Entry[]): string {
  const lines = entries.map(({ path, kind, mode, size, target, stamp }) =>
    JSON.stringify([path, kind, mode, size, target, stamp])
  );
  return sha256Hex(`${FORMAT}\n${lines.join("\n")}`);
}

/** The last archive of each folder, kept in a folder of this user's so that an unchanged tree is not read again. */
export class ArchiveCache {
  readonly #directory: string;
  readonly #key: string;

  /** `directory` exists already and belongs to this user alone. */
  constructor(directory: string, root: string) {
    this.#directory = directory;
    this.#key = shortHash(root, 32);
  }

  /** Puts the archive of exactly this state at `path` when there is one. Its bytes are checked. */
  async take(state: string, path: string): Promise<Written | undefined> {
    try {
      const record: unknown = JSON.parse(await readFile(this.#path("json"), "utf8"));
      if (!isRecord(record) || record.state !== state) return undefined;
      await link(this.#path("tar.gz"), path);
      const hash = createHash("sha256");
      await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
      const { size: sizeBytes } = await stat(path);
      if (hash.digest("base64") === record.checksumSha256 && sizeBytes === record.sizeBytes) {
        return { sizeBytes, checksumSha256: record.checksumSha256 };
      }
    } catch {
      // No archive, or one that cannot be used: a new one is made.
    }
    await rm(path, { force: true });
    return undefined;
  }

  /** Keeps the archive at `path`, unless a file changed so recently that the next change could go unseen. */
  async keep(
    state: string,
    { path, written, entries, nowMs }: {
      readonly path: string;
      readonly written: Written;
      readonly entries: readonly Entry[];
      readonly nowMs: number;
    },
  ): Promise<void> {
    const settled = entries.every((each) => each.changedAtMs < nowMs - TICK_MS);
    if (!settled || written.sizeBytes > ARCHIVE_BYTES_MAX) return;
    try {
      const [archive, record] = [`${path}.keep`, `${path}.json`];
      await link(path, archive);
      await rename(archive, this.#path("tar.gz"));
      await writeFile(record, JSON.stringify({ state, ...written }), { mode: 0o600 });
      await rename(record, this.#path("json"));
      await this.#prune(nowMs);
    } catch {
      // Without the cache the next deploy only takes longer.
    }
  }

  #path(end: string): string {
    return join(this.#directory, `${this.#key}.${end}`);
  }

  /** Drops the archives that were not used for longest, and what dead processes left. */
  async #prune(nowMs: number): Promise<void> {
    const names = await readdir(this.#directory);
    const aged = await Promise.all(names.map(async (name) => {
      const info = await stat(join(this.#directory, name)).catch(() => undefined); // removed meanwhile
      return { name, atMs: info?.mtimeMs ?? nowMs };
    }));
    const records = aged.filter(({ name }) => name.endsWith(".json")).sort((a, b) => b.atMs - a.atMs);
    const dropped = records.slice(ARCHIVES_MAX).flatMap((
      { name },
    ) => [name, name.replace(/json$/, "tar.gz")]);
    const leftovers = aged.filter(({ name, atMs }) => name.startsWith(PREFIX) && nowMs - atMs > LEFTOVER_MS);
    for (const name of [...dropped, ...leftovers.map((each) => each.name)]) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }
}

function isRecord(value: unknown): value is { state: string; checksumSha256: string; sizeBytes: number } {
  return typeof value === "object" && value !== null && "state" in value && "checksumSha256" in value &&
    typeof value.checksumSha256 === "string" && "sizeBytes" in value;
}
