import type { ProtectionsTable } from "./mod.ts";
import { NOW_MS, type Seed } from "./testing.ts";

/** The row of the seed's preview environment, or of all previews. */
export function protectionRow(
  { workspaceId: workspace_id, projectId: project_id, previewId }: Seed,
  mode: ProtectionsTable["mode"],
  environment_id = previewId,
): ProtectionsTable {
  const place = { workspace_id, project_id, environment_id };
  const secrets = { password_hash: "hash", sealed_key: `key of ${environment_id}` };
  return { ...place, mode, ...secrets, created_at: NOW_MS, updated_at: NOW_MS };
}
