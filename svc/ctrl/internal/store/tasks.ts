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
export async function createTask(tx: Tx, { command, nowMs, ...task }: NewTask): Promise<void> {
  await insertIgnore(tx, "deployment_tasks", [{
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
  }], ["deployment_id", "name"]);
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

/** The tasks of these deployments, by the beginning of the primary key. */
export async function listTasks(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DeploymentTasksTable[]>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.selectFrom("deployment_tasks").selectAll()
    .where("deployment_id", "in", [...deploymentIds]).orderBy("deployment_id").orderBy("name").execute();
  return Map.groupBy(rows, (row) => row.deployment_id);
}

const ORDER: Readonly<Record<TaskState, number>> = { wanted: 0, running: 1, succeeded: 2, failed: 2 };

/**
 * Takes what a region's agent reports about the tasks that it runs, and returns whether that changed something. An end
 * is final, and nothing goes back. Call it when the deployment's placement in the region is locked.
 */
export async function recordTasks(
  tx: Tx,
  report: {
    readonly deploymentId: string;
    readonly region: string;
    readonly tasks: readonly ReportedTask[];
    readonly nowMs: number;
  },
): Promise<boolean> {
  const { deploymentId, region, nowMs } = report;
  if (report.tasks.length === 0) return false;
  const known = (await listTasks(tx, [deploymentId])).get(deploymentId) ?? [];
  let changed = false;
  for (const { name, ...reported } of report.tasks) {
    const row = known.find((each) => each.name === name && each.region === region);
    if (row === undefined || isFinalTask(row.state) || ORDER[reported.state] < ORDER[row.state]) continue;
    if (isSame(row, reported)) continue;
    const begins = row.started_at === null && (reported.state === "running" || reported.exit_code !== null);
    await tx.updateTable("deployment_tasks").set({
      ...reported,
      updated_at: nowMs,
      ...(begins ? { started_at: nowMs } : {}),
      ...(isFinalTask(reported.state) ? { ended_at: nowMs } : {}),
    }).where("deployment_id", "=", deploymentId).where("name", "=", name).execute();
    changed = true;
  }
  if (changed) await bumpViewRevision(tx, [deploymentId]);
  return changed;
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
