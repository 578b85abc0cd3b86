import type { Schema } from "./mod.ts";

/** One row of the table of tasks. */
export const TASK_ROWS: Pick<Schema, "deployment_tasks"> = {
  deployment_tasks: {
    deployment_id: "d",
    name: "release",
    workspace_id: "w",
    region: "local",
    command: '["sh","-c","true"]',
    timeout_seconds: 600,
    state: "failed",
    instance: "unkey-d-release",
    reason: "oom_killed",
    message: "It was killed.",
    exit_code: 137,
    last_log_lines: '["line"]',
    created_at: 1,
    updated_at: 2,
    started_at: 3,
    ended_at: 4,
    settled_at: 5,
    run_id: "run_1",
    project_id: "p",
    environment_id: "e",
    environment_slug: "preview",
    idempotency_key: "k",
    created_by: "key",
    deadline_at: 6,
  },
};
