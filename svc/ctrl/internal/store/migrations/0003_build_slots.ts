/** The queue of builds. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, text } from "./table.ts";

const id = text(128);

export const buildSlots: Migration = {
  name: "0003_build_slots",
  async up(db) {
    await createTable(db, {
      name: "build_slots",
      columns: {
        deployment_id: id,
        workspace_id: id,
        state: text(16),
        enqueued_at: integer(),
        turn_at: integer(),
        lease_until: integerOrNull(),
        ticket: integer(),
        reported_ahead: integerOrNull(),
      },
      primaryKey: ["deployment_id"],
      indices: [["workspace_id"]],
    });
  },
};
