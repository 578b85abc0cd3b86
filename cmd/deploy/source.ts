import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@connectrpc/connect";
import type { Process } from "../../pkg/cli/mod.ts";
import { packContext } from "../../pkg/archive/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Report } from "./report.ts";
import { DeployFailure, type Timings } from "./result.ts";
import { upload } from "./upload.ts";

/** A folder to build. */
export interface SourceOptions {
  readonly client: Client<typeof DeploymentService>;
  readonly projectId: string;
  readonly folder: string;
  readonly dockerfile: string;
  readonly process: Process;
  readonly report: Report;
  readonly timings: Timings;
}

/**
 * Finds out, before anything is uploaded, what would fail on the server.
 *
 * @throws `context_missing`, `dockerfile_missing`
 */
export async function checkFolder(folder: string, dockerfile: string): Promise<void> {
  const info = await stat(folder).catch(() => undefined);
  if (info === undefined || !info.isDirectory()) {
    const why = info === undefined ? "does not exist" : "is not a folder";
    throw new DeployFailure("context_missing", `${folder} ${why}. Name the folder that has the Dockerfile.`);
  }
  const found = await stat(join(folder, dockerfile)).catch(() => undefined);
  if (found?.isFile()) return;
  throw new DeployFailure(
    "dockerfile_missing",
    `There is no ${dockerfile} in ${folder}. Write one, or name it with --dockerfile, or deploy an image with --image.`,
  );
}

/** The project that the folder's `unkey.json` names, if it has one. */
export async function configuredProject(folder: string): Promise<string | undefined> {
  const path = join(folder, "unkey.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const project = typeof value === "object" && value !== null && "project" in value
      ? value.project
      : undefined;
    if (project === undefined || typeof project === "string") return project;
  } catch (error) {
    throw publicFault("invalid_argument", `${path} is not JSON. Correct it, or remove it.`, error);
  }
  throw publicFault("invalid_argument", `"project" in ${path} must be the slug or id of a project, as text.`);
}

/** Packs and uploads the folder; answers with the key that the build finds it by. */
export async function sendFolder(options: SourceOptions): Promise<string> {
  const { client, projectId, folder, dockerfile, process, report, timings } = options;
  const { clock, signal, directories } = process;

  let begun = clock.now();
  report.busy("packing");
  await using packed = await packContext({
    root: folder,
    dockerfile,
    cacheDirectory: directories.cache,
    temporaryDirectory: directories.temporary,
    nowMs: begun,
    signal,
  });
  timings.packMs = clock.now() - begun;
  report.idle();
  report.done(`packed ${packed.files} files, ${size(packed.sizeBytes)}`, timings.packMs);

  begun = clock.now();
  const target = await client.createS3UploadURL({
    unkeyProjectId: projectId,
    sizeBytes: BigInt(packed.sizeBytes),
    checksumSha256: packed.checksumSha256,
  }, { signal });
  if (!target.alreadyStored) {
    report.busy("uploading");
    await upload({
      file: packed.path,
      sizeBytes: packed.sizeBytes,
      url: target.uploadUrl,
      headers: target.headers,
      clock,
      signal,
      onProgress: (sent) => report.progress("uploading", sent / packed.sizeBytes),
    });
  }
  timings.uploadMs = clock.now() - begun;
  report.idle();
  report.done(target.alreadyStored ? "unchanged, nothing to upload" : "uploaded", timings.uploadMs);
  return target.buildContextPath;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
