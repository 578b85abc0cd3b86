import { createHash, type Hash } from "node:crypto";
import type { ContentEntry } from "./types.ts";

interface Folder {
  /** With a slash at its end; empty for the context itself. */
  readonly prefix: string;
  readonly hash: Hash;
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
  const root: Folder = { prefix: "", hash: createHash("sha256"), head: "" };
  const open: Folder[] = [root];
  const closeTo = (path: string): Folder => {
    for (;;) {
      const last = open.at(-1) ?? root;
      if (path.startsWith(last.prefix)) return last;
      open.pop();
      (open.at(-1) ?? root).hash.update(`${last.head}${last.hash.digest("hex")}\n`);
    }
  };
  for (const entry of entries) {
    const folder = closeTo(entry.path);
    const head = `${entry.kind} ${entry.mode.toString(8)} ${
      JSON.stringify(entry.path.slice(folder.prefix.length))
    } `;
    if (entry.kind === "folder") {
      open.push({ prefix: `${entry.path}/`, hash: createHash("sha256"), head });
    } else folder.hash.update(`${head}${contentOf(entry)}\n`);
  }
  while (open.length > 1) {
    const last = open.pop();
    if (last !== undefined) (open.at(-1) ?? root).hash.update(`${last.head}${last.hash.digest("hex")}\n`);
  }
  return new Uint8Array(root.hash.digest());
}

function contentOf({ kind, target, chunks }: ContentEntry): string {
  if (kind !== "file") return JSON.stringify(target);
  const digests = createHash("sha256");
  for (const { digest } of chunks) digests.update(digest);
  return digests.digest("hex");
}
