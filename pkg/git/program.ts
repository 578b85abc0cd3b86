import type { GitOptions } from "./types.ts";

const TIMEOUT_MS = 5_000;
/** Of settings that `GIT_CONFIG_COUNT` announces. */
const CONFIG_VARIABLES_MAX = 32;

/** Variables that git needs from the environment. */
const VARIABLES = [
  "PATH",
  "HOME",
  "XDG_CONFIG_HOME",
  "TMPDIR",
  "SystemRoot",
  "USERPROFILE",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_CONFIG_COUNT",
  "GIT_CEILING_DIRECTORIES",
  "GIT_DISCOVERY_ACROSS_FILESYSTEM",
];

/** Programs that a repository may configure and that reading could run. */
const RUN_NOTHING = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "gpg.program=false",
];

/**
 * Trimmed output, or `undefined` when git is missing, fails, or takes longer than 5 s.
 *
 * Only the variables above are passed on: inside a hook git sets `GIT_DIR` and others, which name the repository of the
 * hook and not the one of the folder.
 */
export async function runGit(
  folder: string,
  args: readonly string[],
  { env, signal }: GitOptions,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", folder, ...RUN_NOTHING, ...args],
      clearEnv: true,
      env: { ...passedOn(env), GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" },
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined; // no git on this machine
  }
}

function passedOn(env: GitOptions["env"]): Record<string, string> {
  const count = Math.min(Number(env("GIT_CONFIG_COUNT") ?? 0) || 0, CONFIG_VARIABLES_MAX);
  const numbered = Array.from({ length: count }, (_, index) => [
    `GIT_CONFIG_KEY_${index}`,
    `GIT_CONFIG_VALUE_${index}`,
  ]);
  const found: Record<string, string> = {};
  for (const name of [...VARIABLES, ...numbered.flat()]) {
    const value = env(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
