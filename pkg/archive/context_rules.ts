import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { publicFault } from "../fault/mod.ts";
import type { DockerfileSource } from "./dockerfile.ts";
import { withGitRule } from "./git_rule.ts";
import { decodeAsGo } from "./go_text.ts";
import { parseIgnoreFile, type Rule } from "./ignore_file.ts";
import { resolveInside } from "./resolve_inside.ts";

const IGNORE_FILE = ".dockerignore";

/** The rules that hold for a context, and the name of the file they come from. */
export interface ContextRules {
  readonly rules: readonly Rule[];
  /** Where a rule is to be added, when there is no such file. */
  readonly file: string;
  /** True for a file in UTF-16: Docker reads it as UTF-8, and its rules match nothing. */
  readonly utf16: boolean;
}

/** The choices that make a context of a folder. */
export interface ContextOptions {
  readonly dockerfile: Pick<DockerfileSource, "file" | "name">;
  /** Sends `.git`, as `docker build` does. */
  readonly includeGit: boolean;
}

/**
 * The rules of `<Dockerfile>.dockerignore` beside the Dockerfile, wherever that is, or else of the context's
 * `.dockerignore`. As with `docker build`, links do not lead out of the folder, and a folder of such a name has no rules.
 */
export async function contextRules(
  root: string,
  { dockerfile: { file, name }, includeGit }: ContextOptions,
): Promise<ContextRules> {
  const complete = (rules: readonly Rule[]): readonly Rule[] => includeGit ? rules : withGitRule(rules);
  const ignoreFiles = [
    { folder: dirname(file), path: `${basename(file)}${IGNORE_FILE}`, shown: `${name}${IGNORE_FILE}` },
    { folder: root, path: IGNORE_FILE, shown: IGNORE_FILE },
  ];
  for (const { folder, path, shown } of ignoreFiles) {
    const resolved = await resolveInside(folder, path);
    const bytes = resolved === undefined ? undefined : await read(resolved, shown);
    if (bytes === undefined) continue;
    const rules = complete(parseIgnoreFile(decodeAsGo(bytes)));
    return { rules, file: shown, utf16: isUtf16(bytes) };
  }
  return { rules: complete([]), file: IGNORE_FILE, utf16: false };
}

const ABSENT: readonly unknown[] = ["ENOENT", "ENOTDIR", "EISDIR"];

/** By its byte order mark. */
function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

async function read(path: string, shown: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (ABSENT.includes(code)) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `"${shown}" cannot be read: ${why}`, error);
  }
}
