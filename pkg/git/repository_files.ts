import { dirname, join, resolve } from "node:path";

/** The checked-out commit and branch, as the files of a repository name them. */
export interface Head {
  /** Absent on a detached head. */
  readonly branch: string | undefined;
  /** Absent in a repository without commits. */
  readonly sha: string | undefined;
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const PARENTS_MAX = 64;
const BRANCH_PREFIX = "refs/heads/";

/**
 * Reads HEAD of the repository around `folder` without git: loose and packed references, worktrees and submodules
 * (gitrepository-layout(5)). `undefined` outside of a repository, or where its files cannot be read.
 */
export async function readHead(folder: string): Promise<Head | undefined> {
  const gitFolder = await findGitFolder(folder);
  const head = gitFolder === undefined ? undefined : await readText(join(gitFolder, "HEAD"));
  if (gitFolder === undefined || head === undefined) return undefined;
  const reference = head.match(/^ref:\s*(\S.*)$/)?.[1];
  if (reference === undefined) return { branch: undefined, sha: asSha(head) };
  const branch = reference.startsWith(BRANCH_PREFIX) ? reference.slice(BRANCH_PREFIX.length) : undefined;
  return { branch, sha: await readReference(gitFolder, reference) };
}

async function findGitFolder(folder: string): Promise<string | undefined> {
  let current = resolve(folder);
  for (let step = 0; step < PARENTS_MAX; step++) {
    const candidate = join(current, ".git");
    const kind = await Deno.stat(candidate).catch(() => undefined);
    if (kind?.isDirectory) return candidate;
    // A worktree or a submodule: the file names the folder.
    const named = kind?.isFile ? (await readText(candidate))?.match(/^gitdir:\s*(.+)$/)?.[1] : undefined;
    if (named !== undefined) return resolve(current, named);
    const parent = dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
  return undefined;
}

async function readReference(gitFolder: string, reference: string): Promise<string | undefined> {
  // A worktree shares its references with the repository that it belongs to.
  const common = await readText(join(gitFolder, "commondir"));
  const folders = common === undefined ? [gitFolder] : [gitFolder, resolve(gitFolder, common)];
  for (const each of folders) {
    if (reference.split("/").includes("..")) return undefined;
    const loose = asSha(await readText(join(each, reference)));
    if (loose !== undefined) return loose;
    const packed = (await readText(join(each, "packed-refs")))?.split("\n") ?? [];
    const line = packed.find((text) => text.endsWith(` ${reference}`));
    if (line !== undefined) return asSha(line.split(" ")[0]);
  }
  return undefined;
}

function asSha(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text) ? text : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const { size, isFile } = await Deno.stat(path);
    return isFile && size <= FILE_BYTES_MAX ? (await Deno.readTextFile(path)).trim() : undefined;
  } catch {
    return undefined;
  }
}
