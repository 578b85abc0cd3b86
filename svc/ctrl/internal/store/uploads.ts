/** Build contexts that were handed a place in the object store, and the project that each belongs to. */
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { Queryable } from "./database.ts";
import type { UploadsTable } from "./schema_content.ts";

/** Records an upload before its URL is given away. */
export async function createUpload(db: Queryable, upload: UploadsTable): Promise<void> {
  await db.insertInto("uploads").values(upload).execute();
}

/** The upload of this project with this key; another project's is as good as missing. Unique index on `object_key`. */
export async function findUpload(
  db: Queryable,
  projectId: string,
  objectKey: string,
): Promise<UploadsTable | undefined> {
  return await db.selectFrom("uploads").selectAll()
    .where("object_key", "=", objectKey).where("project_id", "=", projectId).executeTakeFirst();
}

/** The newest upload of this project with the same size and checksum. Index on project and checksum. */
export async function findUploadByChecksum(
  db: Queryable,
  options: { readonly projectId: string; readonly sizeBytes: number; readonly checksumSha256: string },
): Promise<UploadsTable | undefined> {
  return await db.selectFrom("uploads").selectAll()
    .where("project_id", "=", options.projectId)
    .where("checksum_sha256", "=", options.checksumSha256)
    .where("size_bytes", "=", options.sizeBytes)
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(1).executeTakeFirst();
}

/** The uploads of a workspace that have not expired. Index on `expires_at`. */
export async function sumUploads(
  db: Queryable,
  options: { readonly workspaceId: string; readonly nowMs: number; readonly unknownBytes: number },
): Promise<{ readonly count: number; readonly bytes: number }> {
  const rows = await db.selectFrom("uploads").select(["size_bytes"])
    .where("expires_at", ">", options.nowMs).where("workspace_id", "=", options.workspaceId).execute();
  const bytes = rows.reduce((sum, { size_bytes }) => sum + (size_bytes || options.unknownBytes), 0);
  return { count: rows.length, bytes };
}

/** Forgets an upload. */
export async function deleteUpload(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom("uploads").where("id", "=", id).execute();
}

/** Keeps an upload for longer. */
export async function extendUpload(
  db: Queryable,
  { id, workspace_id }: Pick<UploadsTable, "id" | "workspace_id">,
  expiresAtMs: number,
): Promise<void> {
  await db.updateTable("uploads").set({ expires_at: expiresAtMs })
    .where("workspace_id", "=", workspace_id).where("id", "=", id).execute();
}

/** Uploads that expired before `beforeMs` and that no active deployment needs, oldest first. Index on `expires_at`. */
export async function listUnneededUploads(
  db: Queryable,
  options: { readonly beforeMs: number; readonly limit: number },
): Promise<Pick<UploadsTable, "id" | "object_key">[]> {
  return await db.selectFrom("uploads").select(["uploads.id", "uploads.object_key"])
    .where("uploads.expires_at", "<", options.beforeMs)
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployments").select("deployments.id")
          .whereRef("deployments.project_id", "=", "uploads.project_id")
          .whereRef("deployments.build_context_path", "=", "uploads.object_key")
          .where("deployments.status", "in", [...ACTIVE_STATUSES]),
      ))
    )
    .orderBy("uploads.expires_at").limit(options.limit).execute();
}
