import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { publicFault } from "../fault/mod.ts";
import type { DockerfileSource } from "./dockerfile.ts";
import { parseIgnoreFile, type Rule } from "./ignore_file.ts";

const IGNORE_FILE = ".dockerignore";

/** The rules that hold for a context, and the name of the file they come from. */
export interface ContextRules {
  readonly rules: readonly Rule[];
  readonly file: string;
}

/**
 * The rules of `<Dockerfile>.dockerignore` beside the Dockerfile, wherever that is, or else of the context's
 * `.dockerignore`.
 */
export async function contextRules(
  root: string,
  { file, name }: Pick<DockerfileSource, "file" | "name">,
): Promise<ContextRules> {
  const ignoreFiles = [
    { path: `${file}${IGNORE_FILE}`, shown: `${name}${IGNORE_FILE}` },
    { path: join(root, IGNORE_FILE), shown: IGNORE_FILE },
  ];
  for (const { path, shown } of ignoreFiles) {
    const text = await readText(path, shown);
    if (text !== undefined) return { rules: parseIgnoreFile(text), file: shown };
  }
  return { rules: [], file: IGNORE_FILE };
}

async function readText(path: string, shown: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `"${shown}" cannot be read: ${why}`, error);
  }
}
