/** Credentials of builds for registries, per workspace. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, text } from "./table.ts";

export const registries: Migration = {
  name: "0012_registries",
  async up(db) {
    await createTable(db, {
      name: "registry_credentials",
      columns: {
        workspace_id: text(128),
        host: text(255),
        username: text(255),
        ciphertext: longText(),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["workspace_id", "host"],
    });
  },
};
