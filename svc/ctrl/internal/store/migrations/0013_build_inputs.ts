/** Inputs of builds beside their archives: Dockerfile, options and sealed secrets. */
import type { Migration } from "./migration.ts";
import { bytesOrNull, createTable, integer, longText, text } from "./table.ts";

export const buildInputs: Migration = {
  name: "0013_build_inputs",
  async up(db) {
    await createTable(db, {
      name: "build_inputs",
      columns: {
        deployment_id: text(128),
        dockerfile: bytesOrNull(),
        settings: longText(),
        sealed_secrets: longText(),
        created_at: integer(),
      },
      primaryKey: ["deployment_id"],
    });
  },
};
