/** `unkey.json`: how a project's folder is deployed. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { type FileSettings, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { appValues } from "./project_file/app_keys.ts";
import { buildValues } from "./project_file/build_keys.ts";
import type { EnvironmentSettings } from "./project_file/environment_keys.ts";
import { parseProjectFile } from "./project_file/parse.ts";

export const PROJECT_FILE = "unkey.json";

export interface ProjectFile extends FileSettings {
  /** The settings that no deploy has. */
  readonly ofEnvironment: EnvironmentSettings;
}

/** The settings of the current folder's `unkey.json`, or of the nearest one above; a note says when it is one above. */
export async function projectFile(
  { cwd, stderr }: Pick<Process, "cwd" | "stderr">,
): Promise<ProjectFile | undefined> {
  const file = await findProjectFile(cwd);
  if (file !== undefined && dirname(file.path) !== cwd) {
    stderr(`   settings of ${relative(cwd, file.path)}\n`);
  }
  return file;
}

/**
 * The settings of the nearest `unkey.json`: in the folder, or above it up to the root of the repository. Outside of a
 * repository only the folder counts, since what lies above it may belong to another user.
 *
 * @throws `UsageError` that lists every problem of the file
 */
export async function findProjectFile(start: string): Promise<ProjectFile | undefined> {
  for (const folder of await foldersUpwards(start)) {
    const path = join(folder, PROJECT_FILE);
    const text = await readIfThere(path);
    if (text !== undefined) return settingsOf(path, text);
  }
  return undefined;
}

/** The folder and those above it, up to the one that has `.git`; the folder alone where there is none. */
async function foldersUpwards(start: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (let folder = resolve(start); folder !== folders.at(-1); folder = dirname(folder)) {
    folders.push(folder);
    // A file in worktrees and submodules.
    if (await stat(join(folder, ".git")).then(() => true, () => false)) return folders;
  }
  return folders.slice(0, 1);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} cannot be read: ${why}`, { cause: error });
  }
}

/** Paths in the file are relative to it. */
function settingsOf(path: string, text: string): ProjectFile {
  const { settings: { $schema: _, build = {}, context, dockerfile, ...settings }, lineOf } = parseProjectFile(
    path,
    text,
  );
  const { project, environment, memory, cpu, replicas, variables, domains, idleEnd, ...app } = settings;
  const folder = dirname(path);
  const values = new Map<string, string | readonly string[]>([
    ...buildValues(build, folder),
    ...appValues(app),
  ]);
  for (const [key, value] of Object.entries({ project, environment, memory, cpu, replicas })) {
    if (value !== undefined) values.set(key, String(value));
  }
  for (const [key, value] of Object.entries({ context, dockerfile })) {
    if (value !== undefined) values.set(key, resolve(folder, value));
  }
  const isShort = app.healthCheckPath !== undefined;
  const placeOf = (key: string) => key === "healthCheck.path" && isShort ? "healthCheckPath" : key;
  return {
    path,
    value: (key) => values.get(key),
    lineOf: (key) => lineOf(placeOf(key)),
    ofEnvironment: { variables, domains, idleEnd },
  };
}
