/**
 * What the repository around a folder says about the commit that is deployed.
 *
 * ```ts
 * const commit = await readCommit("/home/me/shop", { env, signal }); // undefined outside of a repository
 * ```
 *
 * Reads through the `git` program and never through the network. A folder without a repository, a machine without git
 * and a repository of somebody else all count as "no commit": a deploy must not fail for the lack of it.
 *
 * @module
 */

/** The commit that is checked out. */
export interface Commit {
  /** Absent on a detached head that no variable of a CI names. */
  readonly branch: string | undefined;
  readonly sha: string;
  readonly subject: string;
  readonly author: string;
  /** Milliseconds since the epoch, when it was committed. */
  readonly committedAtMs: number;
  /** Whether files differ from the commit or are not in it. */
  readonly dirty: boolean;
}

/** What reading needs. */
export interface GitOptions {
  readonly env: (name: string) => string | undefined;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 5_000;
/** How CI systems name the branch of a detached head. */
const BRANCH_VARIABLES = [
  "GITHUB_HEAD_REF",
  "GITHUB_REF_NAME",
  "CI_COMMIT_REF_NAME",
  "BUILDKITE_BRANCH",
  "CIRCLE_BRANCH",
];
const SEPARATOR = "\x1f";

/** The commit of the repository that `folder` lies in. */
export async function readCommit(folder: string, options: GitOptions): Promise<Commit | undefined> {
  const [log, branch, status] = await Promise.all([
    git(folder, ["log", "-1", `--format=%H${SEPARATOR}%s${SEPARATOR}%an${SEPARATOR}%ct`], options),
    git(folder, ["symbolic-ref", "--quiet", "--short", "HEAD"], options),
    git(folder, ["status", "--porcelain", "--", "."], options),
  ]);
  const [sha, subject = "", author = "", seconds] = log?.split(SEPARATOR) ?? [];
  if (sha === undefined || !/^[0-9a-f]{40,64}$/.test(sha)) return undefined;
  return {
    branch: branch ?? BRANCH_VARIABLES.map(options.env).find((name) => name !== undefined && name !== ""),
    sha,
    subject,
    author,
    committedAtMs: Number(seconds ?? 0) * 1000,
    dirty: (status ?? "") !== "",
  };
}

/** Trimmed output, or `undefined` when git is missing, fails, or takes too long. */
async function git(
  folder: string,
  args: readonly string[],
  { signal }: GitOptions,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", folder, ...args],
      env: { GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" },
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
