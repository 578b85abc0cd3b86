/** Tables of commands that run once for a deployment. */
import type { CronTables } from "./schema_crons.ts";

/** A command that runs once in a deployment's image, beside its instances. */
export interface DeploymentTasksTable extends RunColumns {
  deployment_id: string;
  /** Unique in its deployment, e.g. `release`. */
  name: string;
  workspace_id: string;
  /** The one region whose agent runs it. */
  region: string;
  /** JSON array of strings. */
  command: string;
  timeout_seconds: number;
  /** It only moves forward: `wanted`, `running`, and one of the others, which are final. */
  state: TaskState;
  /** Name of its pod or container; empty while there is none. */
  instance: string;
  /** Why it waits or failed, as a code; empty when all is well. */
  reason: string;
  /** The same for a person. */
  message: string;
  /** Null when no process has ended. */
  exit_code: number | null;
  /** JSON array of strings. */
  last_log_lines: string;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  ended_at: number | null;
  /** Since when the deployment has gone on after its end; null: it waits for the end. */
  settled_at: number | null;
}

/** Columns of a run, a command that was asked for beside a deploy. Null in a task of the deploy itself. */
export interface RunColumns {
  run_id: string | null;
  project_id: string | null;
  environment_id: string | null;
  environment_slug: string | null;
  /** Once in a workspace. */
  idempotency_key: string | null;
  /** The name of the root key that asked for it. */
  created_by: string | null;
  /** It is given up when nothing was heard of it until then; null for one that has ended. */
  deadline_at: number | null;
  /** Of a run that a cron made; null in others. */
  cron_id: string | null;
  cron_name: string | null;
  /** The planned time that it runs for; null: it was asked for by hand. */
  planned_at: number | null;
  /** Planned times that an entry without a run stands for, the last of which is `planned_at`; null in all others. */
  planned_times: number | null;
}

export type TaskState = "wanted" | "running" | "succeeded" | "failed";

export interface TaskTables extends CronTables {
  deployment_tasks: DeploymentTasksTable;
}
