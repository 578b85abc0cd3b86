import {
  copiedPaths,
  type DockerfileSource,
  listBuildContext,
  type ListedContext,
} from "../../../pkg/archive/mod.ts";

/** A folder and its Dockerfile. */
export interface FolderSource {
  readonly folder: string;
  readonly dockerfile: DockerfileSource;
  /** Sends `.git`; a Dockerfile that names a path of it does so, too. */
  readonly includeGit: boolean;
}

/** Lists the files that a build of the folder is given. @throws what `listBuildContext` throws */
export async function listFolder(
  { folder, dockerfile, includeGit }: FolderSource,
  signal: AbortSignal,
): Promise<ListedContext> {
  const options = { dockerfile, includeGit: includeGit || copiesGit(dockerfile) };
  return await listBuildContext(folder, options, signal);
}

/** True if a build without `.git` would fail. */
export function copiesGit({ content }: Pick<DockerfileSource, "content">): boolean {
  return [...copiedPaths(content)].some((path) => path.split("/").includes(".git"));
}
