import { publicFault } from "../fault/mod.ts";
import { comparePaths } from "./order.ts";
import type { ContentEntry } from "./types.ts";

/**
 * Checks that entries are a tree as the walk lists it: each path once and in order, below folders that are listed, and hard links to
 * files before them.
 */
export class TreeCheck {
  #last: string | undefined;
  /** The folders around the last entry, outermost first. */
  #folders: string[] = [];
  readonly #files = new Set<string>();

  /** @throws `invalid_argument` */
  add({ path, kind, target }: ContentEntry): void {
    if (this.#last !== undefined && comparePaths(this.#last, path) >= 0) {
      throw invalid(path, "is not in order");
    }
    this.#last = path;
    const at = path.lastIndexOf("/");
    const parent = at < 0 ? undefined : path.slice(0, at);
    while (this.#folders.length > 0 && this.#folders.at(-1) !== parent) {
      if (parent !== undefined && parent.startsWith(`${this.#folders.at(-1)}/`)) break;
      this.#folders.pop();
    }
    if (parent !== undefined && this.#folders.at(-1) !== parent) {
      throw invalid(path, "is in no folder that is listed");
    }
    if (kind === "folder") this.#folders.push(path);
    if (kind === "file") this.#files.add(path);
    if (kind === "link" && (target === "" || target.includes("\0"))) {
      throw invalid(path, "is a link to nowhere");
    }
    if (kind === "hard_link" && !this.#files.has(target)) throw invalid(path, "is a hard link to no file");
  }
}

function invalid(path: string, why: string): Error {
  const text = `The manifest of the build context is not valid: "${path.slice(0, 200)}" ${why}.`;
  return publicFault("invalid_argument", text);
}
