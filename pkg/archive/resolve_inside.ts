import { readlink } from "node:fs/promises";
import { join } from "node:path";

/** As many links are followed as Linux follows (`path_resolution(7)`). */
const LINKS_MAX = 40;

/**
 * The path of a file below `root` without links, as if `root` were the root of the file system: absolute links begin there,
 * and `..` does not lead out of it. BuildKit reads the files of a context in this way.
 *
 * @returns `undefined` for a loop; a path that does not exist stays as it is
 */
export async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const done: string[] = [];
  const left = partsOf(path).toReversed();
  let links = 0;
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = await linkTarget(join(root, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > LINKS_MAX) return undefined;
    if (target.startsWith("/")) done.length = 0;
    left.push(...partsOf(target).toReversed());
  }
  return join(root, ...done);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    // No link, or not there: reading the file says which.
    return undefined;
  }
}
