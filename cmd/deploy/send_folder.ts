import type { MessageInitShape } from "@bufbuild/protobuf";
import { join } from "node:path";
import {
  contextRoot,
  DOCKERFILE_BYTES_MAX,
  type DockerfileSource,
  findDockerfile,
  formatBytes,
  type ListedContext,
} from "../../pkg/archive/mod.ts";
import type { Process } from "../../pkg/cli/mod.ts";
import {
  ContentChanged,
  type ContentEntry,
  cutManifest,
  digestFolder,
  joinDigests,
  KeptChunks,
  type Manifest,
} from "../../pkg/content/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { fromConnectError } from "../../pkg/rpc/mod.ts";
import type { CommitContextRequestSchema } from "../../proto/gen/ctrl/v1/upload_pb.ts";
import { type FolderSource, listFolder } from "../shared/context/list_folder.ts";
import { contextWarnings } from "../shared/context/warnings.ts";
import type { ClientTrace } from "../shared/deploying/client_trace.ts";
import { DeployFailure, type DeployWarning, type Timings } from "../shared/deploying/result.ts";
import type { Report } from "../shared/deploying/report.ts";
import type { Place } from "../shared/place.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import { refuseLarge } from "./context_limits.ts";
import { uploadChunks, type UploadClient } from "./upload_chunks.ts";

export interface SendOptions {
  /** A further authority to trust for the store, in PEM. */
  readonly authority?: string | undefined;
  readonly client: UploadClient;
  readonly projectId: string;
  /** With the Dockerfile that `checkFolder` returned. */
  readonly source: FolderSource;
  readonly process: Process;
  readonly report: Report;
  readonly timings: Timings;
  readonly trace: ClientTrace;
  /** Gets what the user should know about the files. */
  readonly warnings: DeployWarning[];
}

/** A folder, read. */
interface Digested {
  readonly root: string;
  readonly listed: ListedContext;
  readonly entries: readonly ContentEntry[];
  /** Content that need not be read again. */
  readonly kept: KeptChunks;
  readonly manifest: Manifest;
}

/** Stands for standard input. */
const STDIN = "-";
/** Of small files, kept in memory from digesting to packing. */
const KEPT_BYTES_MAX = 64 << 20;
/** Files that change while they are uploaded are read again this often. */
const ROUNDS_MAX = 3;
/** The store may collect a chunk between the question for it and the commit. */
const COMMITS_MAX = 2;

/**
 * Reads the Dockerfile, so that a folder or Dockerfile that cannot be used fails before anything is sent.
 *
 * @throws `context_missing`, `dockerfile_missing`, `too_large`
 */
export async function checkFolder(
  { folder, dockerfile, preferred }: Place,
  { cwd, readStdin }: Pick<Process, "cwd" | "readStdin">,
): Promise<DockerfileSource> {
  const root = await contextRoot(folder).catch((error: unknown) => {
    throw asFailure("context_missing", error);
  });
  if (dockerfile === STDIN) return stdinDockerfile(root, await readStdin());
  return await findDockerfile({ root, dockerfile, preferred, cwd }).catch((error: unknown) => {
    throw asFailure(isFault(error, "too_large") ? "too_large" : "dockerfile_missing", error);
  });
}

/** As for `docker build -f -`: the ignore file is that of the context. */
function stdinDockerfile(root: string, text: string): DockerfileSource {
  if (text.trim() === "") {
    const problem =
      "Standard input, which --dockerfile - names, is empty. Write the Dockerfile to it, or name a file.";
    throw new DeployFailure("dockerfile_missing", problem);
  }
  const content = new TextEncoder().encode(text);
  if (content.length > DOCKERFILE_BYTES_MAX) {
    const problem = `The Dockerfile of standard input is larger than ${formatBytes(DOCKERFILE_BYTES_MAX)}. ` +
      "Move data out of it, into files that it copies.";
    throw new DeployFailure("too_large", problem);
  }
  return { file: join(root, "Dockerfile"), name: "Dockerfile", content };
}

function asFailure(code: string, error: unknown): unknown {
  if (!isFault(error)) return error;
  return new DeployFailure(code, error.publicMessage ?? error.message, { cause: error });
}

/** Reads the folder and uploads what the project's store lacks of it; returns the context's path, for the build. */
export async function sendFolder(options: SendOptions): Promise<string> {
  const { report, timings, trace, process: { clock } } = options;
  const changed = new Set<string>();
  for (let round = 1;; round++) {
    const begunMs = clock.now();
    report.busy("packing");
    const digested = await digest(options, await listWithinLimits(options), { nowMs: begunMs, changed });
    timings.packMs = clock.now() - begunMs;
    trace.add("pack", begunMs);
    report.idle();
    const count = digested.entries.filter(({ kind }) => kind !== "folder").length;
    const bytes = digested.entries.reduce((sum, { size }) => sum + size, 0);
    report.done(`packed ${count === 1 ? "1 file" : `${count} files`}, ${formatBytes(bytes)}`, timings.packMs);
    if (round === 1) {
      noteLeftOut(options, digested);
      await warn(options, digested);
    }
    try {
      return await send(options, digested);
    } catch (error) {
      if (!(error instanceof ContentChanged)) throw error;
      if (round === ROUNDS_MAX) throw changesAllTheTime(error);
      report.note(`${error.message}: the folder is read again`);
      changed.add(error.path);
    }
  }
}

function changesAllTheTime(error: ContentChanged): DeployFailure {
  const text =
    `${error.message}. Exclude it in .dockerignore, or stop the program that writes it, and deploy again.`;
  return new DeployFailure("context_invalid", text, { cause: error });
}

/** The limits are asked for meanwhile: a folder that is too large is not read. */
async function listWithinLimits(
  { source, client, projectId, process }: SendOptions,
): Promise<ListedContext> {
  const { signal } = process;
  const asked = retryWhileUnavailable(process, () => client.prepareContext({ projectId }, { signal }));
  const [listed, { limits }] = await Promise.all([
    listFolder(source, signal).catch((error: unknown) => {
      throw asContextFailure(error);
    }),
    asked,
  ]);
  refuseLarge(listed.entries, limits);
  return listed;
}

async function digest(
  { process: { signal, directories } }: SendOptions,
  listed: ListedContext,
  { nowMs, changed }: { readonly nowMs: number; readonly changed: ReadonlySet<string> },
): Promise<Digested> {
  try {
    const { root } = listed;
    const kept = new KeptChunks(KEPT_BYTES_MAX);
    const entries = await digestFolder({
      root,
      entries: listed.entries,
      cacheDirectory: directories.cache,
      changed,
      kept,
      nowMs,
      signal,
    });
    return { root, listed, entries, kept, manifest: cutManifest(entries) };
  } catch (error) {
    throw asContextFailure(error);
  }
}

function asContextFailure(error: unknown): unknown {
  if (isFault(error, "cancelled")) return error;
  return asFailure(isFault(error, "too_large") ? "too_large" : "context_invalid", error);
}

/** No image holds a socket or a pipe; Docker's client sends an empty file for each. */
function noteLeftOut({ report }: SendOptions, { listed }: Digested): void {
  const paths = listed.entries.filter(({ kind }) => kind === "socket" || kind === "pipe").map(({ path }) =>
    path
  );
  const [first] = paths;
  if (first === undefined) return;
  const more = paths.length - 1;
  report.note(
    more === 0
      ? `"${first}" is a socket or a pipe and is left out`
      : `"${first}" and ${more} more ${more === 1 ? "socket or pipe" : "sockets and pipes"} are left out`,
  );
}

async function warn({ source, report, warnings }: SendOptions, { listed }: Digested): Promise<void> {
  for (const warning of await contextWarnings(listed, source.dockerfile)) {
    report.warning(warning.message);
    warnings.push(warning);
  }
}

async function send(options: SendOptions, digested: Digested): Promise<string> {
  const { client, projectId, process, report, timings, trace } = options;
  const { signal, clock } = process;
  const begunMs = clock.now();
  const { manifest, contentId } = digested.manifest.root;
  const request = {
    projectId,
    root: {
      manifestDigests: joinDigests(manifest),
      manifestLengths: manifest.map(({ bytes }) => bytes),
      contentId,
    },
  };
  const prepared = await retryWhileUnavailable(process, () => client.prepareContext(request, { signal }));
  const known = prepared.buildContextPath;
  const { path, sentBytes } = known !== ""
    ? { path: known, sentBytes: 0 }
    : await uploadAndCommit(options, digested, request);
  timings.uploadMs = clock.now() - begunMs;
  trace.add("upload", begunMs, sentBytes === 0 ? "nothing new" : formatBytes(sentBytes));
  report.idle();
  report.done(
    sentBytes === 0 ? "unchanged, nothing to upload" : `uploaded ${formatBytes(sentBytes)}`,
    timings.uploadMs,
  );
  return path;
}

async function uploadAndCommit(
  options: SendOptions,
  digested: Digested,
  request: MessageInitShape<typeof CommitContextRequestSchema>,
): Promise<{ readonly path: string; readonly sentBytes: number }> {
  const { client, process, report } = options;
  const { signal } = process;
  report.busy("uploading");
  let sentBytes = 0;
  for (let commits = 1;; commits++) {
    sentBytes += await upload(options, digested);
    try {
      const answer = await retryWhileUnavailable(process, () => client.commitContext(request, { signal }));
      return { path: answer.buildContextPath, sentBytes };
    } catch (error) {
      if (commits === COMMITS_MAX || !isFault(fromConnectError(error), "failed_precondition")) throw error;
    }
  }
}

async function upload(options: SendOptions, digested: Digested): Promise<number> {
  const { client, projectId, process, report } = options;
  try {
    return await uploadChunks({
      client,
      projectId,
      process,
      authority: options.authority,
      ...digested,
      onProgress: (share) => report.progress("uploading", share),
    });
  } catch (error) {
    process.signal.throwIfAborted();
    if (error instanceof ContentChanged) throw error;
    const fault = fromConnectError(error);
    throw isFault(fault, "too_large") ? asFailure("storage_full", fault) : asFailure("upload_failed", error);
  }
}
