import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { publicFault } from "../fault/mod.ts";
import { parseIgnoreFile, type Rule } from "./ignore_file.ts";

const IGNORE_FILE = ".dockerignore";
const CANDIDATES_MAX = 5;

/** The rules that hold for a context, and the file they come from. */
export interface ContextRules {
  readonly rules: readonly Rule[];
  readonly file: string;
}

/**
 * The rules of `<Dockerfile>.dockerignore`, which takes the place of `.dockerignore` when it is there. What the builder
 * reads itself is always sent.
 */
export async function contextRules(root: string, dockerfile: string): Promise<ContextRules> {
  const own = `${dockerfile}${IGNORE_FILE}`;
  const files = [own, IGNORE_FILE];
  const needed = [dockerfile, ...files].map((path) => ({ pattern: literal(path), exception: true, line: 0 }));
  for (const file of files) {
    const text = await readText(root, file);
    if (text !== undefined) return { rules: [...parseIgnoreFile(text), ...needed], file };
  }
  return { rules: [], file: IGNORE_FILE };
}

/**
 * Makes sure that the Dockerfile is a file in the context.
 *
 * @throws `not_found` that names what may be meant, `invalid_argument` when it is outside
 */
export async function checkDockerfile(root: string, dockerfile: string): Promise<void> {
  const real = await realpath(join(root, dockerfile)).catch(() => undefined);
  if (real !== undefined && !`${real}${sep}`.startsWith(root === sep ? sep : `${root}${sep}`)) {
    throw publicFault(
      "invalid_argument",
      `The Dockerfile "${dockerfile}" is outside of ${root}. It must be in the folder that is deployed.`,
    );
  }
  if (real !== undefined && (await stat(real)).isFile()) return;
  const names = await readdir(root);
  if (names.length === 0) {
    throw publicFault("failed_precondition", `${root} is empty. Name a folder that holds a Dockerfile.`);
  }
  const candidates = names.filter((name) =>
    /dockerfile|containerfile/i.test(name) && !name.endsWith(IGNORE_FILE)
  )
    .sort().slice(0, CANDIDATES_MAX);
  const hint = candidates.length === 0
    ? "Write one, name another path with --dockerfile, or deploy an image with --image."
    : `Did you mean ${candidates.map((name) => `--dockerfile ${name}`).join(" or ")}?`;
  throw publicFault("not_found", `There is no "${dockerfile}" in ${root}. ${hint}`);
}

/** A pattern that matches the path and nothing else. */
function literal(path: string): string {
  return path.replaceAll(/[*?[\]\\]/g, "\\$&");
}

async function readText(root: string, path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `"${path}" cannot be read: ${why}`, error);
  }
}
