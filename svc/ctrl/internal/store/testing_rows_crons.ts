import type { CronTables } from "./mod.ts";

/** One row of each table of crons. */
export const CRON_ROWS: CronTables = {
  crons: {
    environment_id: "e",
    name: "cleanup",
    id: "cron_1",
    workspace_id: "w",
    project_id: "p",
    environment_slug: "production",
    deployment_id: "d",
    schedule: "*/15 * * * *",
    timezone: "Europe/Berlin",
    command: '["npm","run","cleanup"]',
    overlap: "replace",
    timeout_seconds: 3_600,
    planned_at: 1,
    paused_at: 2,
    removed_at: 3,
    last_run_id: "run_1",
    created_at: 4,
    updated_at: 5,
  },
  cron_environments: { environment_id: "e", workspace_id: "w", deployment_id: "d" },
};
