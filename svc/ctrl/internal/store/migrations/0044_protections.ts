/** Environments whose visitors have to give a password, and what each api process puts into the edges' feed. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrZero, longText, text } from "./table.ts";

export const protections: Migration = {
  name: "0044_protections",
  async up(db) {
    await createTable(db, {
      name: "protections",
      columns: {
        workspace_id: text(128),
        project_id: text(128),
        environment_id: text(128),
        mode: text(16),
        password_hash: text(255),
        sealed_key: longText(),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["workspace_id", "project_id", "environment_id"],
    });
    await addColumns(db, "api_processes", { feed_revision: integerOrZero() });
  },
};
