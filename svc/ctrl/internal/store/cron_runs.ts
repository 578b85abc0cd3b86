/** The history of a cron: its runs, and its planned times without one. */
import type { Queryable, Tx } from "./database.ts";
import type { CronsTable } from "./schema_crons.ts";
import { OPEN_STATES, selectRuns, type StoredRun } from "./runs.ts";
import { taskRow } from "./tasks.ts";

/** A cron, and the workspace that its runs are in. */
type CronOfWorkspace = Pick<CronsTable, "id" | "workspace_id">;

/** Runs of a cron that have not ended, oldest first. Index on cron and time. */
export async function listOpenRunsOfCron(
  db: Queryable,
  { id, workspace_id }: CronOfWorkspace,
): Promise<StoredRun[]> {
  return await selectRuns(db).where("workspace_id", "=", workspace_id).where("cron_id", "=", id).where(
    "state",
    "in",
    OPEN_STATES,
  )
    .orderBy("created_at").orderBy("run_id").execute();
}

/** The newest entry of a cron's history. Index on cron and time. */
export async function findNewestRunOfCron(
  db: Queryable,
  { id, workspace_id }: CronOfWorkspace,
): Promise<StoredRun | undefined> {
  return await selectRuns(db).where("workspace_id", "=", workspace_id).where("cron_id", "=", id)
    .orderBy("created_at", "desc").orderBy("run_id", "desc").limit(1).executeTakeFirst();
}

/** Runs by their ids. Unique index on workspace and run. */
export async function listRunsByIds(
  db: Queryable,
  workspaceId: string,
  runIds: readonly string[],
): Promise<StoredRun[]> {
  if (runIds.length === 0) return [];
  return await selectRuns(db).where("workspace_id", "=", workspaceId).where("run_id", "in", [...runIds])
    .orderBy("run_id").execute();
}

/** Planned times without a run. */
export type PlannedTimes =
  & Pick<
    StoredRun,
    | "run_id"
    | "deployment_id"
    | "name"
    | "workspace_id"
    | "project_id"
    | "environment_id"
    | "environment_slug"
    | "idempotency_key"
    | "timeout_seconds"
    | "reason"
    | "message"
  >
  & {
    readonly command: readonly string[];
    readonly cronId: string;
    readonly cronName: string;
    /** The last one. */
    readonly plannedAt: number;
    readonly times: number;
    readonly nowMs: number;
  };

/** Records planned times without a run: an entry that has ended, and that no agent sees. */
export async function recordPlannedTimes(
  tx: Tx,
  { command, cronId, cronName, plannedAt, times, nowMs, reason, message, ...facts }: PlannedTimes,
): Promise<void> {
  await tx.insertInto("deployment_tasks").values({
    ...taskRow({ ...facts, region: "", command, nowMs }),
    ...facts,
    created_by: "",
    state: "failed",
    reason,
    message,
    ended_at: nowMs,
    cron_id: cronId,
    cron_name: cronName,
    planned_at: plannedAt,
    planned_times: times,
  }).execute();
}

/** Adds planned times to an entry of the same kind. By primary key. */
export async function addPlannedTimes(
  tx: Tx,
  { deployment_id, name, planned_times }: Pick<StoredRun, "deployment_id" | "name" | "planned_times">,
  { plannedAt, times, nowMs }: Pick<PlannedTimes, "plannedAt" | "times" | "nowMs">,
): Promise<void> {
  await tx.updateTable("deployment_tasks").set({
    planned_at: plannedAt,
    planned_times: (planned_times ?? 1) + times,
    updated_at: nowMs,
    ended_at: nowMs,
  }).where("deployment_id", "=", deployment_id).where("name", "=", name).execute();
}

/** Forgets entries of a cron that are over, but for the newest `kept`; at most `limit` at once. Index on cron and time. */
export async function trimRunsOfCron(
  tx: Tx,
  { id, workspace_id }: CronOfWorkspace,
  { kept, limit }: { readonly kept: number; readonly limit: number },
): Promise<void> {
  const old = await tx.selectFrom("deployment_tasks").select(["deployment_id", "name", "state"])
    .where("workspace_id", "=", workspace_id).where("cron_id", "=", id)
    .orderBy("created_at", "desc").orderBy("run_id", "desc").limit(limit).offset(kept).execute();
  for (const { deployment_id, name, state } of old) {
    if (OPEN_STATES.includes(state)) continue;
    await tx.deleteFrom("deployment_tasks").where("deployment_id", "=", deployment_id)
      .where("name", "=", name).execute();
  }
}
