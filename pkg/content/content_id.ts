import { createHash, type Hash } from "node:crypto";
import { hexOf } from "./digest.ts";
import type { ContentEntry } from "./types.ts";

interface Folder {
  /** With a slash at its end; empty for the context itself. */
  readonly prefix: string;
  /** The records of its entries. */
  records: string;
  /** The start of the record of the folder in its parent; the own hash of the folder completes it. */
  readonly head: string;
}

/**
 * Merkle root of a tree: each folder is the SHA-256 of its entries' names, kinds, modes, and chunks or targets. Times are not a
 * part of it. A file counts by its chunks, whose digests each reader checks, and not by its own digest, which is the client's word.
 *
 * `entries` are in the order of the walk: each folder before all that is in it.
 */
export function contentIdOf(entries: Iterable<ContentEntry>): Uint8Array {
  const root: Folder = { prefix: "", records: "", head: "" };
  const open: Folder[] = [root];
  const closeTo = (path: string): Folder => {
    for (;;) {
      const last = open.at(-1) ?? root;
      if (path.startsWith(last.prefix)) return last;
      open.pop();
      (open.at(-1) ?? root).records += `${last.head}${digestText(last)}\n`;
    }
  };
  for (const entry of entries) {
    const folder = closeTo(entry.path);
    const head = `${entry.kind} ${entry.mode.toString(8)} ${
      JSON.stringify(entry.path.slice(folder.prefix.length))
    } `;
    if (entry.kind === "folder") {
      open.push({ prefix: `${entry.path}/`, records: "", head });
    } else folder.records += `${head}${contentOf(entry)}\n`;
  }
  while (open.length > 1) {
    const last = open.pop();
    if (last !== undefined) (open.at(-1) ?? root).records += `${last.head}${digestText(last)}\n`;
  }
  return new Uint8Array(digestOfRecords(root).digest());
}

function digestText(folder: Folder): string {
  return digestOfRecords(folder).digest("hex");
}

function digestOfRecords({ records }: Folder): Hash {
  return createHash("sha256").update(records);
}

/** The number of chunks is a part, so that the digest of several is not that of a file with just these bytes. */
function contentOf({ kind, target, chunks }: ContentEntry): string {
  if (kind !== "file") return JSON.stringify(target);
  const [first] = chunks;
  if (first === undefined) return "0";
  if (chunks.length === 1) return `1 ${hexOf(first.digest)}`;
  const digests = createHash("sha256");
  for (const { digest } of chunks) digests.update(digest);
  return `${chunks.length} ${digests.digest("hex")}`;
}
