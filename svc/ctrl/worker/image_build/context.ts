/** The context of a build: fetched from the object store, unpacked, and its Dockerfile found. */
import {
  type ContextArchive,
  type ContextTree,
  type Dockerfile,
  openArchive,
} from "../../../../pkg/build/mod.ts";
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import type { ObjectStore } from "../../../../pkg/objectstore/mod.ts";
import {
  CONTEXT_MISSING,
  contextInvalid,
  dockerfileMissing,
  dockerfileTooLarge,
  type FailedBuild,
} from "./plan.ts";

/** Bounds of contexts, and where they are unpacked. */
export interface ContextSettings {
  readonly temporaryDirectory: string;
  /** Unpacked. */
  readonly bytesMax: number;
  readonly entriesMax: number;
}

export interface ContextDeps {
  readonly objects: Pick<ObjectStore, "head" | "presignGet" | "fetch">;
  readonly contexts: ContextSettings;
}

const URL_MS = 60 * 60_000;
const LINKS_MAX = 40;
const DOCKERFILE = "Dockerfile";
const DOCKERFILE_BYTES_MAX = 1024 * 1024;

/**
 * Fetches and unpacks the archive at `key`. A user can mend a failure by deploying again.
 *
 * @throws `unavailable` when the object store does not answer
 */
export async function fetchContext(
  { objects, contexts }: ContextDeps,
  key: string,
  signal: AbortSignal,
): Promise<ContextArchive | FailedBuild> {
  if (await objects.head(key) === undefined) return CONTEXT_MISSING;
  const url = await objects.presignGet(key, { expiresInMs: URL_MS });
  const response = await get(objects.fetch ?? fetch, url, signal);
  if (response === undefined || response.body === null) return CONTEXT_MISSING;
  try {
    return await openArchive(response.body, { ...contexts, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isFault(error, "invalid_argument", "too_large")) {
      return contextInvalid(error.publicMessage ?? error.message);
    }
    if (error instanceof Fault) throw error;
    throw unavailable("the object store ended in the middle of a build context", error);
  }
}

async function get(
  request: typeof fetch,
  url: string,
  signal: AbortSignal,
): Promise<Response | undefined> {
  let response: Response;
  try {
    response = await request(url, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable("the object store does not answer", error);
  }
  if (response.ok) return response;
  await response.body?.cancel();
  // Deleted since it was looked for.
  if (response.status === 404) return undefined;
  throw unavailable(`the object store answered ${response.status}`);
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault("unavailable", message, {
    publicMessage: "The build context could not be fetched from the object store. Try again in a moment.",
    cause,
  });
}

/** Reads the Dockerfile of a client that keeps it inside the archive, following links as `docker build` does. */
export async function dockerfileIn(
  tree: ContextTree,
  path: string,
  signal: AbortSignal,
): Promise<Dockerfile | FailedBuild> {
  const entry = find(tree, path) ?? (path === DOCKERFILE ? find(tree, DOCKERFILE.toLowerCase()) : undefined);
  if (entry === undefined) return dockerfileMissing(path);
  if (entry.size > DOCKERFILE_BYTES_MAX) return dockerfileTooLarge(path, DOCKERFILE_BYTES_MAX);
  const chunks: Uint8Array[] = [];
  for await (const chunk of tree.read(entry, signal)) chunks.push(chunk);
  return {
    path,
    content: new Uint8Array(await new Blob(chunks.map((each) => new Uint8Array(each))).arrayBuffer()),
  };
}

/** Follows links in folders, too; an absolute one begins at the context, and none leads out of it. */
function find({ entries }: ContextTree, path: string): ContextTree["entries"][number] | undefined {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  let rest = path.split("/");
  let at: readonly string[] = [];
  for (let links = 0; links < LINKS_MAX;) {
    const [name, ...after] = rest;
    if (name === undefined) return undefined;
    rest = after;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = at.slice(0, -1);
      continue;
    }
    const entry = byPath.get([...at, name].join("/"));
    if (entry?.kind === "link") {
      links++;
      rest = [...entry.target.split("/"), ...rest];
      if (entry.target.startsWith("/")) at = [];
    } else if (entry?.kind === "folder") at = [...at, name];
    else if (rest.length > 0) return undefined;
    else {return entry?.kind === "hard_link"
        ? byPath.get(entry.target)
        : entry?.kind === "file"
        ? entry
        : undefined;}
  }
  return undefined;
}
