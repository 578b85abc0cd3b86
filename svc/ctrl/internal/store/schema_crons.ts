/** Tables of commands that run by the clock. */

/** A cron of an environment: of its live deployment, or of one before it. */
export interface CronsTable {
  environment_id: string;
  /** Unique in the environment. */
  name: string;
  /** Unique; the runs have it. */
  id: string;
  workspace_id: string;
  project_id: string;
  environment_slug: string;
  /** The live deployment that it came with last. */
  deployment_id: string;
  schedule: string;
  timezone: string;
  /** JSON array of strings. */
  command: string;
  overlap: CronOverlap;
  timeout_seconds: number;
  /** The next time at which it is to run; null: it does not run. */
  planned_at: number | null;
  /** Since when a user has it paused. */
  paused_at: number | null;
  /** Since when the live deployment has no cron of this name. */
  removed_at: number | null;
  /** The newest entry of its history. */
  last_run_id: string | null;
  created_at: number;
  updated_at: number;
}

/** The effect of a planned time on a run that has not ended. */
export type CronOverlap = "skip" | "allow" | "replace";

/** An environment that got a deployment with crons at some time. */
export interface CronEnvironmentsTable {
  environment_id: string;
  workspace_id: string;
  /** The live deployment whose crons hold; null: none has been live yet. */
  deployment_id: string | null;
}

export interface CronTables {
  crons: CronsTable;
  cron_environments: CronEnvironmentsTable;
}
