import { Buffer } from "node:buffer";
import { tooMany } from "./faults.ts";
import { comparePaths } from "../../content/mod.ts";
import { type TarEntry, TarProblem } from "./tar_reader.ts";
import type { ContextEntry } from "./tree.ts";

const PARENT_MODE = 0o755;
/** `PATH_MAX` of Linux, of a path or of the target of a link. */
const PATH_BYTES_MAX = 4096;

/** The path of an entry, relative and without `.`; empty for the context itself. @throws TarProblem */
export function normalized({ path }: TarEntry): string {
  const parts = checked(path).split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new TarProblem(`"${path.slice(0, 200)}" leads out of the context`);
  return parts.join("/");
}

/** The target of an entry, of a hard link in the same form as paths. @throws TarProblem */
export function targetOf(entry: TarEntry): string {
  if (entry.kind === "hard_link") return normalized({ ...entry, path: entry.target });
  if (entry.kind !== "link") return "";
  if (entry.target === "") throw new TarProblem(`"${entry.path.slice(0, 200)}" is a link to nowhere`);
  return checked(entry.target);
}

/** No file system could hold others, and a pax header can name a megabyte. */
function checked(path: string): string {
  if (path.includes("\0")) throw new TarProblem(`the name "${path.slice(0, 200)}" has a zero byte in it`);
  if (Buffer.byteLength(path) >= PATH_BYTES_MAX) {
    throw new TarProblem(`the name "${path.slice(0, 200)}..." is longer than ${PATH_BYTES_MAX - 1} bytes`);
  }
  return path;
}

/**
 * Sorts the entries, adds folders that the archive does not name, and checks what hangs below what.
 *
 * @throws TarProblem; `too_large` when there are more entries than allowed
 */
export function arrange(listed: ReadonlyMap<string, TarEntry>, entriesMax: number): readonly ContextEntry[] {
  const all = new Map<string, ContextEntry>();
  for (const { offset: _offset, ...entry } of listed.values()) {
    for (let at = entry.path.indexOf("/"); at > 0; at = entry.path.indexOf("/", at + 1)) {
      const parent = entry.path.slice(0, at);
      const kind = listed.get(parent)?.kind;
      if (kind === undefined && !all.has(parent)) {
        all.set(parent, { ...entry, path: parent, kind: "folder", mode: PARENT_MODE, size: 0, target: "" });
      }
      if (kind !== undefined && kind !== "folder") {
        throw new TarProblem(`"${parent}" is a ${kind.replace("_", " ")}, and holds "${entry.path}"`);
      }
    }
    all.set(entry.path, entry.kind === "hard_link" ? linked(entry, listed) : entry);
    // A path names up to 2,047 folders that the archive does not list.
    if (all.size > entriesMax) throw tooMany(entriesMax);
  }
  return [...all.values()].sort((a, b) => comparePaths(a.path, b.path));
}

/**
 * A name of a file. The target may be another hard link, as of archives that were appended to. A second name of a link is a link
 * with the same target, as `docker build` sends it.
 */
function linked(entry: ContextEntry, listed: ReadonlyMap<string, TarEntry>): ContextEntry {
  let found = listed.get(entry.target);
  const seen = new Set<string>();
  while (found?.kind === "hard_link" && !seen.has(found.path)) {
    seen.add(found.path);
    found = listed.get(found.target);
  }
  if (found?.kind === "file") return { ...entry, target: found.path };
  if (found?.kind === "link") return { ...entry, kind: "link", target: found.target };
  throw new TarProblem(`"${entry.path}" is a hard link to "${entry.target}", which is not a file in it`);
}
