/** The troubles of instances: since when one has its present trouble, and what happened before. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longText, text } from "./table.ts";

export const instanceEvents: Migration = {
  name: "0011_instance_events",
  async up(db) {
    await addColumns(db, "instances", { trouble_since: integerOrNull() });
    await createTable(db, {
      name: "instance_events",
      columns: {
        deployment_id: text(128),
        region: text(64),
        fingerprint: text(32),
        first_at: integer(),
        last_at: integer(),
        times: integer(),
        kind: text(16),
        reason: text(64),
        message: longText(),
        instance: text(255),
        exit_code: integerOrNull(),
      },
      primaryKey: ["deployment_id", "region", "fingerprint", "first_at"],
      indices: [["deployment_id", "last_at"]],
    });
  },
};
