/** Commands that run by the clock, and the runs that they made. */
import { addColumns, addIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longText, text, textOrNull } from "./table.ts";

const RUNS = "deployment_tasks";

export const crons: Migration = {
  name: "0039_crons",
  async up(db) {
    await createTable(db, {
      name: "cron_environments",
      columns: {
        environment_id: text(128),
        workspace_id: text(128),
        deployment_id: textOrNull(128),
      },
      primaryKey: ["environment_id"],
    });
    await createTable(db, {
      name: "crons",
      columns: {
        environment_id: text(128),
        name: text(63),
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        environment_slug: text(63),
        deployment_id: text(128),
        schedule: text(100),
        timezone: text(64),
        command: longText(),
        overlap: text(16),
        timeout_seconds: integer(),
        planned_at: integerOrNull(),
        paused_at: integerOrNull(),
        removed_at: integerOrNull(),
        last_run_id: textOrNull(128),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["environment_id", "name"],
      uniques: [["id"]],
      indices: [["planned_at"], ["removed_at"], ["workspace_id", "created_at", "id"]],
    });
    await addColumns(db, RUNS, {
      cron_id: textOrNull(128),
      cron_name: textOrNull(63),
      planned_at: integerOrNull(),
      planned_times: integerOrNull(),
    });
    await addIndex(db, RUNS, ["cron_id", "created_at", "run_id"]);
    await addIndex(db, RUNS, ["workspace_id", "cron_name", "created_at", "run_id"]);
  },
};
