import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { PresignedPut } from "../../../../pkg/objectstore/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import {
  createPacks as recordPacks,
  findWorkspaceLimit,
  type PacksTable,
  sumPacks,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { PACK_BYTES_MAX, type UploadDeps } from "./deps.ts";

/** A pack that a client wants to upload. */
export interface NewPack {
  readonly sizeBytes: number;
  /** Base64. */
  readonly checksumSha256: string;
}

/** A pack's URL, which takes nothing but its bytes. */
export interface PackUpload extends PresignedPut {
  readonly packId: string;
}

const PACKS_MAX = 100;
/** A URL works for this time. */
const URL_MS = 15 * 60_000;

/**
 * Hands out a URL for each pack.
 *
 * @throws `too_large` when the workspace has no room left
 */
export async function createPacks(
  deps: UploadDeps,
  caller: RootKeyPrincipal,
  request: { readonly projectId: string; readonly packs: readonly NewPack[] },
): Promise<readonly PackUpload[]> {
  const { db, clock, objects } = deps;
  const project = await requireProject(deps, caller, {
    id: request.projectId,
    action: "generate_upload_url",
  });
  checkPacks(request.packs);
  await refuseFull(deps, caller.workspaceId, request.packs);
  const now = clock.now();
  const rows = request.packs.map(({ sizeBytes, checksumSha256 }): PacksTable => {
    const id = newId("pack", now);
    return {
      id,
      workspace_id: caller.workspaceId,
      project_id: project.id,
      object_key: `${project.id}/packs/${id}`,
      size_bytes: sizeBytes,
      checksum_sha256: checksumSha256,
      state: "offered",
      created_at: now,
      last_used_at: now,
    };
  });
  await recordPacks(db.kysely, rows);
  return await Promise.all(rows.map(async (row) => ({
    packId: row.id,
    ...await objects.presignPut(row.object_key, {
      sizeBytes: row.size_bytes,
      checksumSha256: row.checksum_sha256,
      expiresInMs: URL_MS,
    }),
  })));
}

function checkPacks(packs: readonly NewPack[]): void {
  if (packs.length === 0 || packs.length > PACKS_MAX) {
    throw invalid(
      "packs",
      `must be 1 to ${PACKS_MAX} in one call: ask again for the others`,
      String(packs.length),
    );
  }
  for (const { sizeBytes, checksumSha256 } of packs) {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > PACK_BYTES_MAX) {
      throw invalid("packs.size_bytes", `must be between 1 and ${PACK_BYTES_MAX}`, String(sizeBytes));
    }
    if (!/^[A-Za-z0-9+/]{43}=$/.test(checksumSha256)) {
      throw invalid("packs.checksum_sha256", "must be the base64 of 32 bytes", checksumSha256);
    }
  }
}

/** Uploads at the same time may exceed the limit by their own size. */
async function refuseFull(
  { db, limits }: UploadDeps,
  workspaceId: string,
  packs: readonly NewPack[],
): Promise<void> {
  const bytesMax = await findWorkspaceLimit(db.kysely, workspaceId, "upload_bytes") ??
    limits.workspaceBytesMax;
  const stored = await sumPacks(db.kysely, workspaceId);
  const added = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (stored + added <= bytesMax) return;
  const [has, may] = [stored, bytesMax].map((bytes) => Math.round(bytes / 1024 / 1024));
  throw publicFault(
    // Nothing that a client could wait for.
    "too_large",
    `The workspace has ${has} MiB of build contexts stored, and ${may} MiB are allowed. What no build uses is deleted after a ` +
      "week: deploy again later, name what the builds do not need in .dockerignore, or ask the operator for more room.",
  );
}
