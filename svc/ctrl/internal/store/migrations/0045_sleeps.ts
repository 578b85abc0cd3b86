/** Deployments that sleep while nothing asks for them, and what each edge knows of the feed. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, integerOrZero, text } from "./table.ts";

export const sleeps: Migration = {
  name: "0045_sleeps",
  async up(db) {
    await createTable(db, {
      name: "deployment_sleeps",
      columns: {
        deployment_id: text(128),
        workspace_id: text(128),
        environment_id: text(128),
        after_seconds: integer(),
        is_own: integer(),
        asleep_at: integerOrNull(),
        woken_at: integerOrNull(),
      },
      primaryKey: ["deployment_id"],
      indices: [["environment_id"], ["asleep_at"]],
    });
    await addColumns(db, "agents", { feed_revision: integerOrZero() });
  },
};
