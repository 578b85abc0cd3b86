import { lstat, readlink } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { UsageError } from "../../pkg/cli/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";

/** A context, and where its user is. */
export interface Place {
  /** Absolute. */
  readonly cwd: string;
  /** The context as it was named; absolute. */
  readonly folder: string;
  /** The same without links. */
  readonly root: string;
}

/**
 * The path relative to the context, with slashes; empty for the context itself.
 *
 * @throws `UsageError` for a path outside, `not_found` for one that is not there, `failed_precondition` for one below a link
 */
export async function pathInContext(given: string, { cwd, folder, root }: Place): Promise<string> {
  const absolute = resolve(cwd, given);
  const path = [folder, root].map((base) => relative(base, absolute)).find(isInside);
  if (path === undefined) {
    throw new UsageError(
      `${given} is outside of the context ${root}. Name a path in it, or its folder with --context.`,
    );
  }
  const names = path === "" ? [] : path.split(sep);
  for (let length = 1; length <= names.length; length++) {
    await check(root, names, length);
  }
  return names.join("/");
}

function isInside(path: string): boolean {
  return path !== ".." && !path.startsWith(`..${sep}`) && !path.startsWith(sep);
}

/** Checks the beginning of a path. */
async function check(root: string, names: readonly string[], length: number): Promise<void> {
  const [at, whole] = [names.slice(0, length).join("/"), names.join("/")];
  const file = join(root, at);
  const info = await lstat(file).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw publicFault("not_found", `There is no "${whole}" in ${root}. Correct the path.`);
    }
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `"${at}" cannot be read: ${why}`, error);
  });
  if (length === names.length || !info.isSymbolicLink()) return;
  throw publicFault(
    "failed_precondition",
    `"${at}" is a link to ${await readlink(file)}. Links are sent as links: name the path behind it.`,
  );
}
