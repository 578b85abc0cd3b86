/** Limits that an operator has set for a workspace, in place of the defaults. */
import { addIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, text } from "./table.ts";

export const workspaceLimits: Migration = {
  name: "0024_workspace_limits",
  async up(db) {
    await createTable(db, {
      name: "workspace_limits",
      columns: { workspace_id: text(128), name: text(32), value: integer(), updated_at: integer() },
      primaryKey: ["workspace_id", "name"],
    });
    // Counting must not read the whole of a large workspace.
    await addIndex(db, "environments", ["workspace_id"]);
    await addIndex(db, "environment_variables", ["workspace_id"]);
    await addIndex(db, "deployments", ["workspace_id", "status"]);
  },
};
