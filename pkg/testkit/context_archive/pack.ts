/** A build context as clients of before sent it: one `.tar.gz`. The server side still takes it. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { contextRoot } from "../../archive/list.ts";
import { publicFault } from "../../fault/mod.ts";
import { ArchiveCache, fingerprint, PREFIX } from "./archive_cache.ts";
import { CooperativeYield } from "../../async/mod.ts";
import { tarBytes } from "./content.ts";
import { contextRules } from "../../archive/context_rules.ts";
import type { DockerfileSource } from "../../archive/dockerfile.ts";
import { GzipFile, type Written } from "./gzip_file.ts";
import { describeShares, formatBytes, largestShares, type Share } from "../../archive/largest.ts";
import { IgnoreMatcher } from "../../archive/matcher.ts";
import { type Entry, listContext } from "../../archive/walk.ts";

/** A folder to pack, and where the archive goes. */
export interface PackOptions {
  /** The build context. */
  readonly root: string;
  /** Beside it may be an ignore file of its own. The Dockerfile itself is packed only where the rules let it through. */
  readonly dockerfile: Pick<DockerfileSource, "file" | "name">;
  /** A folder of this user's, made when absent: the last archives are kept in it. */
  readonly cacheDirectory: string;
  /** Where the archive goes when the cache cannot be written. */
  readonly temporaryDirectory: string;
  /** Of the compressed archive; a gibibyte by default. The server may take less. */
  readonly sizeMaxBytes?: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A packed context. Disposing of it removes the file. */
export interface PackedContext extends AsyncDisposable {
  /** A tar.gz that only this user can read. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the archive, in base64. */
  readonly checksumSha256: string;
  /** Its number of files, and their bytes before compression. */
  readonly files: number;
  readonly contentBytes: number;
  /** The top-level paths that hold most. */
  readonly largest: readonly Share[];
  /** True if nothing had changed since the last pack of this folder. */
  readonly reused: boolean;
}

const SIZE_BYTES_MAX = 1 << 30;

/**
 * Packs a folder into a tar.gz: the files that the ignore rules let through, in a fixed order, with their own modes and
 * times, so that the same tree gives the same bytes.
 *
 * @throws `not_found` when there is no such folder, `failed_precondition` when something cannot be packed,
 * `invalid_argument` for a rule of an ignore file, `too_large` over the limit
 */
export async function packContext(options: PackOptions): Promise<PackedContext> {
  const { dockerfile, nowMs, signal, sizeMaxBytes = SIZE_BYTES_MAX } = options;
  const root = await contextRoot(options.root);
  const { rules, file } = await contextRules(root, { dockerfile, includeGit: true });
  const entries = await listContext(root, new IgnoreMatcher(rules, file), signal);

  const { own, parent } = await privateFolder(options);
  const remove = (): Promise<void> => rm(own, { recursive: true, force: true });
  try {
    const path = join(own, "context.tar.gz");
    const cache = new ArchiveCache(parent, `${root}\0${dockerfile.file}`);
    const state = fingerprint(entries);
    const known = await cache.take(state, path);
    const written = known ?? await write({ path, root, entries, sizeMaxBytes, signal });
    if (written.sizeBytes > sizeMaxBytes) throw contextTooLarge(largestShares(entries), sizeMaxBytes);
    if (known === undefined) await cache.keep(state, { path, written, entries, nowMs });
    return {
      path,
      ...written,
      files: entries.filter((each) => each.kind !== "folder").length,
      contentBytes: entries.reduce((sum, each) => sum + each.size, 0),
      largest: largestShares(entries),
      reused: known !== undefined,
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A new folder that only this user can enter; below the cache, so that an archive is kept without a copy. */
async function privateFolder(
  { cacheDirectory, temporaryDirectory }: PackOptions,
): Promise<{ own: string; parent: string }> {
  const parent = join(cacheDirectory, "contexts");
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    return { own: await mkdtemp(join(parent, PREFIX)), parent };
  } catch {
    // A home that cannot be written, as in some containers: everything works without the cache.
    await mkdir(temporaryDirectory, { recursive: true });
    const own = await mkdtemp(join(temporaryDirectory, "unkey-"));
    return { own, parent: own };
  }
}

interface Job {
  readonly path: string;
  readonly root: string;
  readonly entries: readonly Entry[];
  readonly sizeMaxBytes: number;
  readonly signal: AbortSignal;
}

/** Stops soon after the limit is passed. */
async function write({ path, root, entries, sizeMaxBytes, signal }: Job): Promise<Written> {
  const cooperativeYield = new CooperativeYield(signal);
  const out = await GzipFile.create(path);
  try {
    for (const bytes of tarBytes(root, entries)) {
      await out.write(bytes);
      await cooperativeYield.pause();
      if (out.sizeBytes > sizeMaxBytes) throw contextTooLarge(largestShares(entries), sizeMaxBytes);
    }
    return await out.finish();
  } finally {
    await out.abandon();
  }
}

function contextTooLarge(largest: readonly Share[], sizeMaxBytes: number): Error {
  const text =
    `The folder is over the limit of ${formatBytes(sizeMaxBytes)} when packed. It holds most in:\n` +
    `${describeShares(largest)}\nExclude what the build does not need in .dockerignore.`;
  return publicFault("too_large", text);
}
