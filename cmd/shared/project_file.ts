/** `unkey.json`: how a project's folder is deployed. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { type FileSettings, UsageError } from "../../pkg/cli/mod.ts";
import { BUILD_KEYS, buildValues } from "./project_file_build.ts";

export const PROJECT_FILE = "unkey.json";

/** Every key that the file may have. Flags and variables of the same settings go before it. */
const KEYS = {
  project: filled("the slug or id of a project"),
  environment: filled("the slug of an environment"),
  dockerfile: filled("the path of a Dockerfile"),
  port: z.int({ error: "must be a whole number between 1 and 65535" })
    .min(1, "must be a whole number between 1 and 65535").max(
      65_535,
      "must be a whole number between 1 and 65535",
    ),
  healthCheckPath: z.string({ error: 'must be a path that begins with "/"' })
    .regex(/^\/[\x21-\x7e]*$/, 'must be a path that begins with "/"'),
  build: z.strictObject(BUILD_KEYS, { error: "must be a JSON object" }).partial(),
};
const SCHEMA = z.strictObject(KEYS).partial();

/** The settings that the file holds. */
export type ProjectSettings = z.infer<typeof SCHEMA>;

const DISTANCE_MAX = 3;

/**
 * The values of the folder's `unkey.json`; none when there is no such file.
 *
 * @throws `UsageError` that lists every problem
 */
export async function projectFile(folder: string): Promise<FileSettings> {
  const path = join(folder, PROJECT_FILE);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const { build = {}, ...settings } = text === undefined ? {} : parseProjectFile(path, text);
  const values = new Map<string, string | readonly string[]>(buildValues(build, resolve(folder)));
  for (const [key, value] of Object.entries(settings)) values.set(key, String(value));
  return (key) => values.get(key);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** @throws `UsageError` that lists every problem */
export function parseProjectFile(path: string, text: string): ProjectSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? `: ${error.message}` : "";
    throw new UsageError(`${path} is not JSON${why}. Correct it, or remove it.`);
  }
  const parsed = SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describeIssue);
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  throw new UsageError(`${path} has ${count}:\n${problems.map((each) => `  ${each}`).join("\n")}`);
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const [known, prefix] = path === "build" ? [BUILD_KEYS, "build."] : [KEYS, ""];
    return path === "" || path === "build"
      ? issue.keys.map((key) => unknownKey(key, Object.keys(known), prefix))
      : [`"${path}" ${issue.message}`];
  }
  return [path === "" ? "it must be a JSON object" : `"${path}" ${issue.message}`];
}

function unknownKey(key: string, known: readonly string[], prefix: string): string {
  const [nearest] = known.toSorted((a, b) => distance(a, key) - distance(b, key));
  return nearest !== undefined && distance(nearest.toLowerCase(), key.toLowerCase()) <= DISTANCE_MAX
    ? `"${prefix}${key}" is not known: did you mean "${prefix}${nearest}"?`
    : `"${prefix}${key}" is not known. What there is: ${known.join(", ")}`;
}

function filled(what: string): z.ZodString {
  return z.string({ error: `must be ${what}` }).min(1, `must be ${what}`);
}
