/** Commands that run once for a deployment, and how they ended. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longText, text } from "./table.ts";

export const deploymentTasks: Migration = {
  name: "0033_deployment_tasks",
  up: (db) =>
    createTable(db, {
      name: "deployment_tasks",
      columns: {
        deployment_id: text(128),
        name: text(32),
        workspace_id: text(128),
        region: text(64),
        command: longText(),
        timeout_seconds: integer(),
        state: text(16),
        instance: text(255),
        reason: text(64),
        message: longText(),
        exit_code: integerOrNull(),
        last_log_lines: longText(),
        created_at: integer(),
        updated_at: integer(),
        started_at: integerOrNull(),
        ended_at: integerOrNull(),
        settled_at: integerOrNull(),
      },
      primaryKey: ["deployment_id", "name"],
    }),
};
