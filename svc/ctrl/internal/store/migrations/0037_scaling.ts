/** Placements whose number of instances follows the load, and the load that edges and agents report. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longText, text, textOrNull } from "./table.ts";

export const scaling: Migration = {
  name: "0037_scaling",
  async up(db) {
    await createTable(db, {
      name: "scaled_placements",
      columns: {
        deployment_id: text(128),
        region: text(64),
        workspace_id: text(128),
        environment_id: text(128),
        settings: text(1_024),
        is_own: integer(),
        changed_at: integerOrNull(),
        changed_from: integerOrNull(),
        reason: textOrNull(1_024),
      },
      primaryKey: ["deployment_id", "region"],
      indices: [["environment_id"], ["workspace_id"]],
    });
    await createTable(db, {
      name: "load_reports",
      columns: {
        reporter: text(128),
        kind: text(16),
        source: text(128),
        reported_at: integer(),
        loads: longText(),
      },
      primaryKey: ["reporter"],
      indices: [["reported_at"]],
    });
  },
};
