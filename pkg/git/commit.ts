import { type CiCommit, commitOfCi } from "./ci.ts";
import { runGit } from "./program.ts";
import { readHead } from "./repository_files.ts";
import type { GitOptions } from "./types.ts";

/** The commit that is checked out. */
export interface Commit {
  /** Absent on a detached head that no variable of a CI names. */
  readonly branch: string | undefined;
  /** Empty when only the branch is known. */
  readonly sha: string;
  /** First line of the message; empty when it is not known. */
  readonly subject: string;
  /** Name of the author; empty when it is not known. */
  readonly author: string;
  /** Milliseconds since 1970, when it was committed; 0 when that is not known. */
  readonly committedAtMs: number;
  /** True if files of the folder differ from the commit or are not in it; false when that is not known. */
  readonly dirty: boolean;
}

const SEPARATOR = "\x1f";

/** The commit of the repository that `folder` lies in; `undefined` when nothing is known. */
export async function readCommit(folder: string, options: GitOptions): Promise<Commit | undefined> {
  const ci = await commitOfCi(options);
  return await readByProgram(folder, options, ci) ?? await readByFiles(folder, ci);
}

async function readByProgram(
  folder: string,
  options: GitOptions,
  ci: CiCommit,
): Promise<Commit | undefined> {
  const format = `--format=%H${SEPARATOR}%s${SEPARATOR}%an${SEPARATOR}%ct`;
  const [log, branch, status] = await Promise.all([
    runGit(folder, ["log", "-1", "--no-show-signature", "--no-color", format], options),
    runGit(folder, ["symbolic-ref", "--quiet", "--short", "HEAD"], options),
    runGit(folder, ["status", "--porcelain", "--", "."], options),
  ]);
  const [sha, subject = "", author = "", seconds] = log?.split(SEPARATOR) ?? [];
  if (sha === undefined || !/^[0-9a-f]{40,64}$/.test(sha)) return undefined;
  return {
    branch: branch || ci.branch,
    sha,
    subject,
    author,
    committedAtMs: Number(seconds ?? 0) * 1000,
    dirty: (status ?? "") !== "",
  };
}

/** A repository without commits has a branch and no commit, which is nothing that could be deployed from. */
async function readByFiles(folder: string, ci: CiCommit): Promise<Commit | undefined> {
  const head = await readHead(folder);
  const sha = head?.sha ?? ci.sha;
  const branch = (head?.sha === undefined ? undefined : head.branch) ?? ci.branch;
  if (sha === undefined && branch === undefined) return undefined;
  return { branch, sha: sha ?? "", subject: "", author: "", committedAtMs: 0, dirty: false };
}
