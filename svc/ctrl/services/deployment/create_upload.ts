import { Fault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import {
  createUpload as recordUpload,
  extendUpload,
  findUploadByChecksum,
  listWorkspaceLimits,
  sumUploads,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";

export interface UploadRequest {
  readonly projectId: string;
  /** 0 when the client does not know. */
  readonly sizeBytes: number;
  /** Base64, empty when the client does not know. */
  readonly checksumSha256: string;
  /** Name of the project's field in messages. */
  readonly projectField?: string;
}

export interface Upload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly objectKey: string;
  readonly urlExpiresAt: number;
  /** The bytes are there: nothing to upload. */
  readonly alreadyStored: boolean;
}

const URL_MS = 15 * 60_000;
/** Deployments can be created from the upload for this time. */
const UPLOAD_MS = 24 * 3_600_000;

/**
 * Hands out a URL for one build context of a project. Nothing but these bytes can be uploaded to it, and no other project
 * can build from it.
 *
 * @throws `too_large` for a context over the limit
 */
export async function createUpload(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: UploadRequest,
): Promise<Upload> {
  const { db, clock, objects } = deps;
  const field = request.projectField ?? "unkey_project_id";
  const project = await requireProject(deps, caller, {
    id: request.projectId,
    action: "generate_upload_url",
    field,
  });
  const content = checkContent(request, deps.uploads.bytesMax);
  const now = clock.now();
  const stored = await storedAlready(deps, project.id, content);
  if (stored !== undefined) return stored;
  await refuseFull(deps, caller.workspaceId, content);

  const id = newId("upload", now);
  const objectKey = `${project.id}/${id}.tar.gz`;
  const put = await objects.presignPut(objectKey, {
    ...(content.sizeBytes === 0 ? {} : { sizeBytes: content.sizeBytes }),
    ...(content.checksumSha256 === "" ? {} : { checksumSha256: content.checksumSha256 }),
    expiresInMs: URL_MS,
  });
  await recordUpload(db.kysely, {
    id,
    workspace_id: caller.workspaceId,
    project_id: project.id,
    object_key: objectKey,
    size_bytes: content.sizeBytes,
    checksum_sha256: content.checksumSha256,
    created_at: now,
    expires_at: now + UPLOAD_MS,
  });
  return { ...put, objectKey, urlExpiresAt: now + URL_MS, alreadyStored: false };
}

/**
 * Uploads at the same time may exceed the limits by their own number. One of unknown size counts as the largest.
 *
 * @throws `rate_limited` when the workspace has no room left
 */
async function refuseFull(
  { db, clock, uploads }: DeploymentDeps,
  workspaceId: string,
  { sizeBytes }: Content,
): Promise<void> {
  const { bytesMax } = uploads;
  const set = await listWorkspaceLimits(db.kysely, workspaceId);
  const workspaceCountMax = set.get("uploads") ?? uploads.workspaceCountMax;
  const workspaceBytesMax = set.get("upload_bytes") ?? uploads.workspaceBytesMax;
  const stored = await sumUploads(db.kysely, { workspaceId, nowMs: clock.now(), unknownBytes: bytesMax });
  if (stored.count < workspaceCountMax && stored.bytes + (sizeBytes || bytesMax) <= workspaceBytesMax) return;
  const text =
    `The workspace has ${stored.count} build contexts of ${mebibytes(stored.bytes)} MiB in all stored, and ` +
    `${workspaceCountMax} of ${
      mebibytes(workspaceBytesMax)
    } MiB are allowed. Each one is deleted a day after its upload: ` +
    "deploy again later, name what the builds do not need in .dockerignore, or ask the operator for more room.";
  throw new Fault("rate_limited", text, { publicMessage: text });
}

interface Content {
  readonly sizeBytes: number;
  readonly checksumSha256: string;
}

function checkContent({ sizeBytes, checksumSha256 }: UploadRequest, bytesMax: number): Content {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw invalid("size_bytes", "must not be negative", String(sizeBytes));
  }
  if (sizeBytes > bytesMax) throw contextTooLarge(sizeBytes, bytesMax);
  if (checksumSha256 !== "" && !/^[A-Za-z0-9+/]{43}=$/.test(checksumSha256)) {
    throw invalid("checksum_sha256", "must be the base64 of 32 bytes", checksumSha256);
  }
  return { sizeBytes, checksumSha256 };
}

export function contextTooLarge(sizeBytes: number, bytesMax: number): Fault {
  const text =
    `The build context has ${mebibytes(sizeBytes)} MiB, and at most ${
      mebibytes(bytesMax)
    } MiB are allowed. ` +
    "Name what the build does not need in .dockerignore.";
  return new Fault("too_large", text, { publicMessage: text });
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1).replace(/\.0$/, "");
}

/** The same bytes of the same project are not uploaded twice. */
async function storedAlready(
  deps: DeploymentDeps,
  projectId: string,
  content: Content,
): Promise<Upload | undefined> {
  const { db, clock, objects } = deps;
  if (content.checksumSha256 === "" || content.sizeBytes === 0) return undefined;
  const now = clock.now();
  const known = await findUploadByChecksum(db.kysely, { projectId, ...content });
  if (known === undefined || known.expires_at <= now) return undefined;
  const object = await objects.head(known.object_key);
  if (object?.sizeBytes !== content.sizeBytes) return undefined;
  await extendUpload(db.kysely, known, now + UPLOAD_MS);
  return {
    url: "",
    headers: {},
    objectKey: known.object_key,
    urlExpiresAt: now + UPLOAD_MS,
    alreadyStored: true,
  };
}
