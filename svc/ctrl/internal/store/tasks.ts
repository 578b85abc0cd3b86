/** Commands that run once for a deployment: they are wanted, reported by one region's agent, and settled by a workflow. */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentTasksTable, TaskState } from "./schema.ts";
import { bumpViewRevision } from "./views/revisions.ts";

/** The name of the task that runs before a deployment's instances start. */
export const RELEASE_TASK = "release";

/** The facts of a new task. */
export type NewTask =
  & Pick<DeploymentTasksTable, "deployment_id" | "name" | "workspace_id" | "region" | "timeout_seconds">
  & { readonly command: readonly string[]; readonly nowMs: number };

/** A task as its agent reports it. */
export type ReportedTask = Pick<
  DeploymentTasksTable,
  "name" | "state" | "instance" | "reason" | "message" | "exit_code" | "last_log_lines"
>;

/** Wants a command to run. A task of this name is left as it is: no deployment runs it twice. */
export async function createTask(tx: Tx, task: NewTask): Promise<void> {
  await insertIgnore(tx, "deployment_tasks", [taskRow(task)], ["deployment_id", "name"]);
}

/** A task that waits for its agent, and is no run. */
export function taskRow({ command, nowMs, ...task }: NewTask): DeploymentTasksTable {
  return {
    ...task,
    command: JSON.stringify(command),
    state: "wanted",
    instance: "",
    reason: "",
    message: "",
    exit_code: null,
    last_log_lines: "[]",
    created_at: nowMs,
    updated_at: nowMs,
    started_at: null,
    ended_at: null,
    settled_at: null,
    run_id: null,
    project_id: null,
    environment_id: null,
    environment_slug: null,
    idempotency_key: null,
    created_by: null,
    deadline_at: null,
    cron_id: null,
    cron_name: null,
    planned_at: null,
    planned_times: null,
  };
}

/** One task, by primary key. */
export async function findTask(
  db: Queryable,
  deploymentId: string,
  name: string,
): Promise<DeploymentTasksTable | undefined> {
  return await db.selectFrom("deployment_tasks").selectAll()
    .where("deployment_id", "=", deploymentId).where("name", "=", name).executeTakeFirst();
}

/** The tasks of these deployments that have not ended, and their release commands. By primary key, and by index on state. */
export async function listTasks(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DeploymentTasksTable[]>> {
  if (deploymentIds.length === 0) return new Map();
  const all = db.selectFrom("deployment_tasks").selectAll().where("deployment_id", "in", [...deploymentIds]);
  const releases = await all.where("name", "=", RELEASE_TASK).orderBy("deployment_id").execute();
  // A deployment may have many runs that are over.
  const open = await all.where("state", "in", ["wanted", "running"]).where("name", "!=", RELEASE_TASK)
    .orderBy("deployment_id").orderBy("name").execute();
  return Map.groupBy([...releases, ...open], (row) => row.deployment_id);
}

const ORDER: Readonly<Record<TaskState, number>> = { wanted: 0, running: 1, succeeded: 2, failed: 2 };
/** A run whose agent has not started it after so long is given up. */
export const RUN_START_MS = 600_000;
/** The end of a run that has begun is reported so long after its time limit at the latest. */
const RUN_END_MS = 900_000;

/** The effect of a report on the tasks. */
export interface RecordedTasks {
  readonly changed: boolean;
  /** A run has ended: its agent is to be notified that it is not wanted any more. */
  readonly isRunOver: boolean;
}

/**
 * Takes what a region's agent reports about the tasks that it runs. An end is final, and nothing goes back. Call it when the
 * deployment's placement in the region is locked.
 */
export async function recordTasks(
  tx: Tx,
  report: {
    readonly deploymentId: string;
    readonly region: string;
    readonly tasks: readonly ReportedTask[];
    readonly nowMs: number;
  },
): Promise<RecordedTasks> {
  const { deploymentId, region, nowMs } = report;
  if (report.tasks.length === 0) return { changed: false, isRunOver: false };
  const known = (await listTasks(tx, [deploymentId])).get(deploymentId) ?? [];
  let [changed, isRunOver] = [false, false];
  for (const { name, ...reported } of report.tasks) {
    const row = known.find((each) => each.name === name && each.region === region);
    if (row === undefined || isFinalTask(row.state) || ORDER[reported.state] < ORDER[row.state]) continue;
    if (isSame(row, reported)) continue;
    const begins = row.started_at === null && (reported.state === "running" || reported.exit_code !== null);
    const isOver = isFinalTask(reported.state);
    await tx.updateTable("deployment_tasks").set({
      ...reported,
      updated_at: nowMs,
      ...(begins ? { started_at: nowMs } : {}),
      ...(isOver ? { ended_at: nowMs } : {}),
      ...(row.run_id === null ? {} : deadlineAfter(row, reported.state, nowMs)),
    }).where("deployment_id", "=", deploymentId).where("name", "=", name).execute();
    changed ||= row.run_id === null;
    isRunOver ||= isOver && row.run_id !== null;
  }
  if (changed) await bumpViewRevision(tx, [deploymentId]);
  return { changed, isRunOver };
}

function deadlineAfter(
  { timeout_seconds }: DeploymentTasksTable,
  state: TaskState,
  nowMs: number,
): Partial<Pick<DeploymentTasksTable, "deadline_at">> {
  if (isFinalTask(state)) return { deadline_at: null };
  return state === "running" ? { deadline_at: nowMs + timeout_seconds * 1_000 + RUN_END_MS } : {};
}

/** The deployment goes on after its end. Returns false when it did before. */
export async function settleTask(
  tx: Tx,
  { deploymentId, name, nowMs }: {
    readonly deploymentId: string;
    readonly name: string;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable("deployment_tasks").set({ settled_at: nowMs })
    .where("deployment_id", "=", deploymentId).where("name", "=", name)
    .where("settled_at", "is", null).executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** True for a state that nothing changes any more. */
export function isFinalTask(state: TaskState): boolean {
  return state === "succeeded" || state === "failed";
}

function isSame(row: DeploymentTasksTable, reported: Omit<ReportedTask, "name">): boolean {
  return row.state === reported.state && row.instance === reported.instance &&
    row.reason === reported.reason && row.message === reported.message &&
    row.exit_code === reported.exit_code && row.last_log_lines === reported.last_log_lines;
}
