import { open, readdir, stat } from "node:fs/promises";
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
  /** Absolute, or relative to the context or to `cwd`; `undefined`: the usual name, within the context only. */
  readonly dockerfile: string | undefined;
  /** Absolute. */
  readonly cwd: string;
}

const USUAL_NAME = "Dockerfile";
const BYTES_MAX = 512 * 1024;
const CANDIDATES_MAX = 5;

/**
 * Finds and reads the Dockerfile. A relative path means a file of the context first, then one relative to `cwd`, which may
 * lie outside of the context, as for `docker build -f`; then one relative to the context and outside of it.
 *
 * @throws `not_found` that names similar files, `failed_precondition` when it is a folder or cannot be read, `too_large`
 * over 512 KiB
 */
export async function findDockerfile(hints: DockerfileHints): Promise<DockerfileSource> {
  const { root, dockerfile = USUAL_NAME, cwd } = hints;
  let folder = false;
  for (const file of candidates(hints)) {
    const info = await stat(file).catch(() => undefined); // the next candidate may be there
    if (info?.isDirectory() === true) folder = true;
    if (info === undefined || info.isDirectory()) continue;
    return { file, name: nameOf(file, { root, cwd }), content: await readBounded(file, dockerfile) };
  }
  throw await missing({ root, dockerfile, folder });
}

function candidates({ root, dockerfile: given, cwd }: DockerfileHints): readonly string[] {
  const dockerfile = given ?? USUAL_NAME;
  const ofContext = resolve(root, dockerfile);
  const files = isBelow(root, ofContext)
    ? [ofContext, resolve(cwd, dockerfile)]
    : [resolve(cwd, dockerfile), ofContext];
  // `docker build` takes this spelling of the usual name, too.
  const lowerCase = files.filter((file) => basename(file) === USUAL_NAME)
    .map((file) => join(dirname(file), USUAL_NAME.toLowerCase()));
  return [...files, ...lowerCase].filter((file) => given !== undefined || isBelow(root, file));
}

function isBelow(folder: string, file: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function nameOf(file: string, { root, cwd }: Pick<DockerfileHints, "root" | "cwd">): string {
  const base = [root, cwd].find((folder) => isBelow(folder, file)) ?? dirname(file);
  return relative(base, file).replaceAll(sep, "/");
}

async function readBounded(file: string, shown: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(BYTES_MAX + 1);
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
  if (used > BYTES_MAX) {
    throw publicFault(
      "too_large",
      `The Dockerfile "${shown}" is larger than ${
        formatBytes(BYTES_MAX)
      }. Move data out of it, into files that it copies.`,
    );
  }
  return bytes.slice(0, used);
}

async function missing(
  { root, dockerfile, folder }: {
    readonly root: string;
    readonly dockerfile: string;
    readonly folder: boolean;
  },
): Promise<Error> {
  const found = await readdir(root, { withFileTypes: true });
  if (found.length === 0) {
    return publicFault("failed_precondition", `${root} is empty. Name a folder that holds a Dockerfile.`);
  }
  const similar = found.filter(({ name }) =>
    /dockerfile|containerfile/i.test(name) && !name.endsWith(".dockerignore")
  );
  const files: string[] = [];
  for (const { name } of similar.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const info = await stat(join(root, name)).catch(() => undefined); // a dangling link
    if (info?.isFile() === true) files.push(name);
  }
  const hint = files.length === 0
    ? "Write one, name another path with --dockerfile, or deploy an image with --image."
    : `Did you mean ${files.slice(0, CANDIDATES_MAX).map((name) => `--dockerfile ${name}`).join(" or ")}?`;
  return folder
    ? publicFault("failed_precondition", `"${dockerfile}" in ${root} is a folder, not a Dockerfile. ${hint}`)
    : publicFault("not_found", `There is no "${dockerfile}" in ${root}. ${hint}`);
}
