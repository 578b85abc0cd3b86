/** The requests of each deployment in intervals of three lengths, and the intervals whose sums are not up to date. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, text } from "./table.ts";

export const deploymentTraffic: Migration = {
  name: "0040_deployment_traffic",
  async up(db) {
    await createTable(db, {
      name: "deployment_traffic",
      columns: {
        deployment_id: text(128),
        step_seconds: integer(),
        started_at: integer(),
        region: text(64),
        process_id: text(64),
        sum_started_at: integer(),
        counts: longText(),
      },
      primaryKey: ["deployment_id", "step_seconds", "started_at", "region", "process_id"],
      indices: [["step_seconds", "sum_started_at", "deployment_id"]],
    });
    await createTable(db, {
      name: "traffic_sums_due",
      columns: { step_seconds: integer(), started_at: integer(), mark: text(64) },
      primaryKey: ["step_seconds", "started_at"],
    });
  },
};
