/** Sessions of browsers, and codes that start one. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, text, textOrNull } from "./table.ts";

export const sessions: Migration = {
  name: "0035_sessions",
  async up(db) {
    await createTable(db, {
      name: "sessions",
      columns: {
        id: text(64),
        hash: text(64),
        workspace_id: text(128),
        key_id: text(64),
        browser: text(64),
        created_at: integer(),
        last_seen_at: integer(),
        expires_at: integer(),
      },
      primaryKey: ["id"],
      uniques: [["hash"]],
      indices: [["workspace_id", "created_at"], ["expires_at"]],
    });
    await addColumns(db, "login_codes", { key_id: textOrNull(64) });
  },
};
