/** Traces of deploys, and the spans that the parts of the platform report for them. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, integerOrZero, text, textOrNull } from "./table.ts";

export const traces: Migration = {
  name: "0025_traces",
  async up(db) {
    await createTable(db, {
      name: "deployment_traces",
      columns: {
        deployment_id: text(128),
        trace_id: text(32),
        parent_span_id: text(16),
        is_sampled: integerOrNull(),
        started_at: integer(),
        ended_at: integerOrNull(),
        outcome: textOrNull(16),
        dropped_spans: integerOrZero(),
        export_at: integerOrNull(),
      },
      primaryKey: ["deployment_id"],
      indices: [["export_at"]],
    });
    await createTable(db, {
      name: "deployment_spans",
      columns: {
        deployment_id: text(128),
        id: text(16),
        parent_id: text(16),
        source: text(8),
        region: text(64),
        name: text(128),
        detail: text(256),
        status: text(8),
        started_at: integer(),
        ended_at: integer(),
      },
      primaryKey: ["deployment_id", "id"],
    });
  },
};
