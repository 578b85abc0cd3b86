/** One-time codes for a login from another machine. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, text } from "./table.ts";

export const loginCodes: Migration = {
  name: "0019_login_codes",
  async up(db) {
    await createTable(db, {
      name: "login_codes",
      columns: {
        hash: text(64),
        workspace_id: text(128),
        permissions: longText(),
        expires_at: integer(),
        created_at: integer(),
      },
      primaryKey: ["hash"],
      indices: [["expires_at"]],
    });
  },
};
