import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { publicFault } from "../fault/mod.ts";
import { formatBytes } from "./largest.ts";

/** The Dockerfile of a build; it travels beside the context. */
export interface DockerfileSource {
  /** Absolute. */
  readonly file: string;
  /** For messages: relative, with slashes and without `..`. */
  readonly name: string;
  /** At most 512 KiB. */
  readonly content: Uint8Array;
}

/** Where to look for the Dockerfile. */
export interface DockerfileHints {
  /** The context, as `contextRoot` returned it. */
  readonly root: string;
  /** Absolute, or relative to `cwd`; of several the first that is there. `undefined`: the usual name. */
  readonly dockerfile: string | readonly string[] | undefined;
  /** Absolute. */
  readonly cwd: string;
  /** Folders whose Dockerfile of the usual name goes before that of the context; those outside of it do not count. */
  readonly preferred?: readonly string[];
}

const USUAL_NAME = "Dockerfile";
/** Of one Dockerfile. */
export const DOCKERFILE_BYTES_MAX = 512 * 1024;
const CANDIDATES_MAX = 5;

/**
 * Finds and reads the Dockerfile. A path that is given means the same as for `docker build -f`: it is relative to `cwd`, and
 * may lie outside of the context.
 *
 * @throws `not_found` that names similar files, `failed_precondition` when it is a folder or cannot be read, `too_large`
 * over 512 KiB
 */
export async function findDockerfile(hints: DockerfileHints): Promise<DockerfileSource> {
  const { root, cwd } = hints;
  let folder = false;
  for (const file of await candidates(hints)) {
    const info = await stat(file).catch(() => undefined); // the next candidate may be there
    if (info?.isDirectory() === true) folder = true;
    if (info === undefined || info.isDirectory()) continue;
    return { file, name: nameOf(file, { root, cwd }), content: await readBounded(file, shownName(hints)) };
  }
  throw await missing(hints, folder);
}

/** The name in messages, as it was typed where it was. */
function shownName({ dockerfile = USUAL_NAME, cwd }: DockerfileHints): string {
  if (typeof dockerfile === "string") return dockerfile;
  const [first = USUAL_NAME] = dockerfile;
  return relative(cwd, first).replaceAll(sep, "/");
}

async function candidates(
  { root, dockerfile, cwd, preferred = [] }: DockerfileHints,
): Promise<readonly string[]> {
  if (typeof dockerfile === "object") return dockerfile;
  const files: string[] = [];
  if (dockerfile === undefined) {
    for (const folder of preferred) {
      const real = await realpath(folder).catch(() => folder); // as the context's path is
      if (isBelow(root, real)) files.push(join(real, USUAL_NAME));
    }
    files.push(join(root, USUAL_NAME));
  } else files.push(resolve(cwd, dockerfile));
  // `docker build` takes this spelling of the usual name, too.
  return files.flatMap((file) =>
    basename(file) === USUAL_NAME ? [file, join(dirname(file), USUAL_NAME.toLowerCase())] : [file]
  );
}

function isBelow(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function nameOf(file: string, { root, cwd }: Pick<DockerfileHints, "root" | "cwd">): string {
  const base = [root, cwd].find((folder) => isBelow(folder, file)) ?? dirname(file);
  return relative(base, file).replaceAll(sep, "/");
}

async function readBounded(file: string, shown: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(DOCKERFILE_BYTES_MAX + 1);
  let used = 0;
  try {
    await using handle = await open(file);
    for (let read = 1; read > 0 && used < bytes.length; used += read) {
      ({ bytesRead: read } = await handle.read(bytes, used, bytes.length - used));
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw publicFault("failed_precondition", `The Dockerfile "${shown}" cannot be read: ${why}`, error);
  }
  if (used > DOCKERFILE_BYTES_MAX) {
    throw publicFault(
      "too_large",
      `The Dockerfile "${shown}" is larger than ${
        formatBytes(DOCKERFILE_BYTES_MAX)
      }. Move data out of it, into files that it copies.`,
    );
  }
  return bytes.slice(0, used);
}

async function missing(hints: DockerfileHints, folder: boolean): Promise<Error> {
  const { root, dockerfile, cwd } = hints;
  const name = shownName(hints);
  const place = dockerfile === undefined ? root : cwd;
  if ((await readdir(root)).length === 0) {
    return publicFault("failed_precondition", `${root} is empty. Name a folder that holds a Dockerfile.`);
  }
  const files = await similar(hints);
  const hint = files.length === 0
    ? "Write one, name another path with --dockerfile, or deploy an image with --image."
    : `Did you mean ${files.slice(0, CANDIDATES_MAX).map((file) => `--dockerfile ${file}`).join(" or ")}?`;
  return folder
    ? publicFault("failed_precondition", `"${name}" in ${place} is a folder, not a Dockerfile. ${hint}`)
    : publicFault("not_found", `There is no "${name}" in ${place}. ${hint}`);
}

/** Dockerfiles of the context, as they are written after `--dockerfile`: the one that a path within it means goes first. */
async function similar({ root, dockerfile, cwd }: DockerfileHints): Promise<readonly string[]> {
  const names = (await readdir(root)).filter((name) =>
    /dockerfile|containerfile/i.test(name) && !name.endsWith(".dockerignore")
  ).sort();
  const meant = typeof dockerfile === "string" ? [dockerfile] : [];
  const files: string[] = [];
  for (const name of new Set([...meant, ...names])) {
    const file = resolve(root, name);
    const info = await stat(file).catch(() => undefined); // a dangling link
    if (info?.isFile() === true) files.push(relative(cwd, file).replaceAll(sep, "/"));
  }
  return files;
}
