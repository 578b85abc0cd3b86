import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { publicFault } from "../fault/mod.ts";
import type { DockerfileSource } from "./dockerfile.ts";
import { decodeAsGo } from "./go_text.ts";
import { parseIgnoreFile, type Rule } from "./ignore_file.ts";
import { resolveInside } from "./resolve_inside.ts";

const IGNORE_FILE = ".dockerignore";

/** The rules that hold for a context, and the name of the file they come from. */
export interface ContextRules {
  readonly rules: readonly Rule[];
  readonly file: string;
}

/**
 * The rules of `<Dockerfile>.dockerignore` beside the Dockerfile, wherever that is, or else of the context's
 * `.dockerignore`. As with `docker build`, links do not lead out of the folder, and a folder of such a name has no rules.
 */
export async function contextRules(
  root: string,
  { file, name }: Pick<DockerfileSource, "file" | "name">,
): Promise<ContextRules> {
  const ignoreFiles = [
    { folder: dirname(file), path: `${basename(file)}${IGNORE_FILE}`, shown: `${name}${IGNORE_FILE}` },
    { folder: root, path: IGNORE_FILE, shown: IGNORE_FILE },
  ];
  for (const { folder, path, shown } of ignoreFiles) {
    const resolved = await resolveInside(folder, path);
    const text = resolved === undefined ? undefined : await readText(resolved, shown);
    if (text !== undefined) return { rules: parseIgnoreFile(text), file: shown };
  }
  return { rules: [], file: IGNORE_FILE };
}

const ABSENT: readonly unknown[] = ["ENOENT", "ENOTDIR", "EISDIR"];

async function readText(path: string, shown: string): Promise<string | undefined> {
  try {
    return decodeAsGo(await readFile(path));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (ABSENT.includes(code)) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `"${shown}" cannot be read: ${why}`, error);
  }
}
