import type { Process } from "../../pkg/cli/mod.ts";
import {
  contextRoot,
  describeShares,
  type DockerfileSource,
  findDockerfile,
  formatBytes,
  packContext,
  type PackedContext,
} from "../../pkg/archive/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { fromConnectError } from "../../pkg/rpc/mod.ts";
import type { CreateS3UploadURLResponse } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { DeploymentClient } from "../shared/deploying/follow.ts";
import { retryWhileUnavailable } from "../shared/retry_while_unavailable.ts";
import type { Report } from "../shared/deploying/report.ts";
import { DeployFailure, type Timings } from "../shared/deploying/result.ts";
import { upload } from "./upload.ts";

export interface SendOptions {
  readonly client: DeploymentClient;
  readonly projectId: string;
  readonly folder: string;
  /** As `checkFolder` returned it. */
  readonly dockerfile: DockerfileSource;
  readonly process: Process;
  readonly report: Report;
  readonly timings: Timings;
}

/**
 * Reads the Dockerfile, so that a folder or Dockerfile that cannot be used fails before anything is sent.
 *
 * @throws `context_missing`, `dockerfile_missing`, `too_large`
 */
export async function checkFolder(
  { folder, dockerfile, cwd }: {
    readonly folder: string;
    readonly dockerfile: string | undefined;
    readonly cwd: string;
  },
): Promise<DockerfileSource> {
  const root = await contextRoot(folder).catch((error: unknown) => {
    throw asFailure("context_missing", error);
  });
  return await findDockerfile({ root, dockerfile, cwd }).catch((error: unknown) => {
    throw asFailure(isFault(error, "too_large") ? "too_large" : "dockerfile_missing", error);
  });
}

function asFailure(code: string, error: unknown): unknown {
  if (!isFault(error)) return error;
  return new DeployFailure(code, error.publicMessage ?? error.message, { cause: error });
}

/** Packs and uploads the folder; returns its key in the object store, for the build. */
export async function sendFolder(options: SendOptions): Promise<string> {
  const { folder, dockerfile, process: { clock, signal, directories }, report, timings } = options;
  let begun = clock.now();
  report.busy("packing");
  await using packed = await packContext({
    root: folder,
    dockerfile,
    cacheDirectory: directories.cache,
    temporaryDirectory: directories.temporary,
    nowMs: begun,
    signal,
  }).catch((error: unknown) => {
    if (isFault(error, "cancelled") || !isFault(error)) throw error;
    throw asFailure(error.code === "too_large" ? "too_large" : "context_invalid", error);
  });
  timings.packMs = clock.now() - begun;
  report.idle();
  const files = packed.files === 1 ? "1 file" : `${packed.files} files`;
  report.done(`packed ${files}, ${formatBytes(packed.sizeBytes)}`, timings.packMs);

  begun = clock.now();
  const target = await requestUpload(options, packed);
  if (!target.alreadyStored) await send(options, packed, target);
  timings.uploadMs = clock.now() - begun;
  report.idle();
  report.done(target.alreadyStored ? "unchanged, nothing to upload" : "uploaded", timings.uploadMs);
  return target.buildContextPath;
}

/** @throws `too_large` that lists the largest parts of the folder */
async function requestUpload(
  { client, projectId, process }: SendOptions,
  { sizeBytes, checksumSha256, largest }: PackedContext,
): Promise<CreateS3UploadURLResponse> {
  const request = { unkeyProjectId: projectId, sizeBytes: BigInt(sizeBytes), checksumSha256 };
  try {
    return await retryWhileUnavailable(
      process,
      () => client.createS3UploadURL(request, { signal: process.signal }),
    );
  } catch (error) {
    const fault = fromConnectError(error);
    if (fault.code !== "too_large") throw error;
    const text =
      `${fault.publicMessage ?? fault.message}\nThe folder holds most in:\n${describeShares(largest)}\n` +
      "Exclude what the build does not need in .dockerignore.";
    throw new DeployFailure("too_large", text, { cause: error });
  }
}

async function send(
  { process: { env, clock, signal }, report }: SendOptions,
  { path, sizeBytes }: PackedContext,
  { uploadUrl, headers }: CreateS3UploadURLResponse,
): Promise<void> {
  report.busy("uploading");
  try {
    await upload({
      file: path,
      sizeBytes,
      url: uploadUrl,
      headers,
      env,
      clock,
      signal,
      onProgress: (sent) => report.progress("uploading", sent / sizeBytes),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw asFailure("upload_failed", error);
  }
}
