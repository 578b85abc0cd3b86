/** What the API and its sweeper do with build contexts besides recording them. */
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { Queryable } from "./database.ts";
import type { UploadsTable } from "./schema.ts";

/** Keeps an upload for longer. */
export async function extendUpload(db: Queryable, id: string, expiresAtMs: number): Promise<void> {
  await db.updateTable("uploads").set({ expires_at: expiresAtMs }).where("id", "=", id).execute();
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
