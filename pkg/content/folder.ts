import { type Entry, openAttributeReader } from "../archive/mod.ts";
import { CooperativeYield } from "../async/mod.ts";
import { FileReader } from "./file_reader.ts";
import type { KeptChunks } from "./kept_chunks.ts";
import { StatCache } from "./stat_cache.ts";
import type { ContentEntry, FileDigests } from "./types.ts";

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
  /** Gets the content of small files that are read. */
  readonly kept?: KeptChunks;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * The entries with the digests of their content. A file that is gone when its turn comes is left out, with its other names; one
 * that changes while it is read is read again.
 *
 * @throws `failed_precondition` for a file that cannot be read, or that changes all the time; the reason of the signal
 */
export async function digestFolder(options: FolderOptions): Promise<readonly ContentEntry[]> {
  const { root, entries, cacheDirectory, changed, kept, nowMs, signal } = options;
  const breaks = new CooperativeYield(signal);
  const cache = await StatCache.open(cacheDirectory, root);
  using attributes = openAttributeReader();
  const reader = new FileReader(root, { breaks, attributes, ...(kept === undefined ? {} : { kept }) });
  const files = new Map<Entry, FileDigests>();
  const gone = new Set<string>();
  const found: ContentEntry[] = [];
  for (const entry of entries) {
    const { path, kind, mode, modifiedAtNs, target } = entry;
    if (kind === "pipe" || kind === "socket") continue;
    if (kind !== "file") {
      if (!gone.has(target) || kind !== "hard_link") {
        found.push({ path, kind, mode, size: 0, modifiedAtNs, target, sha256: NONE, chunks: [] });
      }
      continue;
    }
    await breaks.pause();
    const known = changed?.has(path) ? undefined : cache.find(entry);
    const digests = known ?? reader.digestSmall(entry) ?? await reader.digest(path);
    if (digests === undefined) {
      gone.add(path);
      continue;
    }
    files.set(entry, digests);
    const { sha256, chunks } = digests;
    const size = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    found.push({ path, kind, mode, size, modifiedAtNs, target, sha256, chunks });
  }
  await cache.keep(files, nowMs);
  return found;
}

const NONE = new Uint8Array(0);
