import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Entry } from "./walk.ts";

/** An archive on disk. */
export interface Cached {
  readonly path: string;
  readonly sizeBytes: number;
  readonly checksumSha256: string;
}

interface Place {
  readonly root: string;
  readonly dockerfile: string;
  readonly cacheDirectory: string;
  readonly nowMs: number;
}

/** Larger archives are made again each time rather than kept. */
const KEPT_BYTES_MAX = 256 * 1024 * 1024;
/** A file can change again within one tick of its clock, so an archive with files as young as this proves nothing. */
const SETTLED_MS = 2_000;

/** The archive that was made of exactly these entries, or `undefined`. */
export async function lookUpArchive(place: Place, entries: readonly Entry[]): Promise<Cached | undefined> {
  const { archive, note } = pathsOf(place);
  try {
    const known: unknown = JSON.parse(await readFile(note, "utf8"));
    if (!isNote(known) || known.fingerprint !== fingerprintOf(place, entries)) return undefined;
    const { size } = await stat(archive);
    if (size !== known.sizeBytes) return undefined;
    return { path: archive, sizeBytes: known.sizeBytes, checksumSha256: known.checksumSha256 };
  } catch {
    return undefined; // there is no such archive, or not a whole one
  }
}

/** Keeps an archive for the next time. A cache that cannot be written costs time, never a deploy. */
export async function keepArchive(place: Place, entries: readonly Entry[], made: Cached): Promise<void> {
  const youngestMs = entries.reduce((latest, each) => Math.max(latest, each.changedAtMs), 0);
  if (made.sizeBytes > KEPT_BYTES_MAX || youngestMs > place.nowMs - SETTLED_MS) return;
  const { folder, archive, note } = pathsOf(place);
  const { sizeBytes, checksumSha256 } = made;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await copyFile(made.path, `${archive}.new`);
    await rename(`${archive}.new`, archive);
    const text = JSON.stringify({ fingerprint: fingerprintOf(place, entries), sizeBytes, checksumSha256 });
    await writeFile(`${note}.new`, text, { mode: 0o600 });
    await rename(`${note}.new`, note);
  } catch {
    return; // the next deploy packs again
  }
}

/** One archive per folder and Dockerfile: a new one takes the place of the last. */
function pathsOf(
  { root, dockerfile, cacheDirectory }: Place,
): { folder: string; archive: string; note: string } {
  const name = createHash("sha256").update(`${root}\0${dockerfile}`).digest("hex").slice(0, 32);
  const folder = join(cacheDirectory, "contexts");
  return { folder, archive: join(folder, `${name}.tar.gz`), note: join(folder, `${name}.json`) };
}

function fingerprintOf({ dockerfile }: Place, entries: readonly Entry[]): string {
  const hash = createHash("sha256").update(`1\0${dockerfile}\0`);
  for (const { path, kind, mode, size, target, stamp } of entries) {
    hash.update(`${path}\0${kind}\0${mode}\0${size}\0${target}\0${stamp}\n`);
  }
  return hash.digest("hex");
}

function isNote(value: unknown): value is { fingerprint: string; sizeBytes: number; checksumSha256: string } {
  return typeof value === "object" && value !== null && "fingerprint" in value && "sizeBytes" in value &&
    typeof value.sizeBytes === "number" && "checksumSha256" in value &&
    typeof value.checksumSha256 === "string";
}
