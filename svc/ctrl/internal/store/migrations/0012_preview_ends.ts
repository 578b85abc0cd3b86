/** The end of previews: the last request of each deployment, the limit of an environment, and the reason of each stop. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longTextOrNull, text } from "./table.ts";

export const previewEnds: Migration = {
  name: "0012_preview_ends",
  async up(db) {
    await addColumns(db, "deployments", { stop_note: longTextOrNull() });
    await addColumns(db, "environments", { idle_end_seconds: integerOrNull() });
    await createTable(db, {
      name: "deployment_requests",
      columns: { deployment_id: text(64), last_request_at: integer() },
      primaryKey: ["deployment_id"],
    });
  },
};
