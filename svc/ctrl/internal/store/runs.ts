/**
 * Runs: commands that users ask for, as tasks of a deployment. An agent's report moves them on (`tasks.ts`); the statements here
 * want, show and give them up.
 */
import type { NotNull, SelectQueryBuilder } from "kysely";
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentTasksTable, Schema } from "./schema.ts";
import type { RunColumns, TaskState } from "./schema_tasks.ts";
import { RUN_START_MS, taskRow } from "./tasks.ts";

type Identity = "run_id" | "project_id" | "environment_id" | "environment_slug" | "created_by";

/** A task that is a run. */
export type StoredRun =
  & Omit<DeploymentTasksTable, Identity>
  & { readonly [K in Identity]: NonNullable<RunColumns[K]> };

/** The facts of a new run. */
export type NewRun =
  & Pick<StoredRun, Identity | "deployment_id" | "name" | "workspace_id" | "region" | "timeout_seconds">
  & {
    readonly command: readonly string[];
    readonly idempotencyKey: string | undefined;
    readonly cron: RunCron | undefined;
    readonly nowMs: number;
  };

/** The cron whose command a run is. */
export interface RunCron {
  readonly id: string;
  readonly name: string;
  /** `undefined`: it was asked for by hand. */
  readonly plannedAt: number | undefined;
}

/** States of a task that has not ended. */
export const OPEN_STATES: readonly TaskState[] = ["wanted", "running"];

/** Wants a run. The caller announces the placement in its region. */
export async function createRun(
  tx: Tx,
  { command, idempotencyKey, cron, nowMs, ...run }: NewRun,
): Promise<void> {
  await tx.insertInto("deployment_tasks").values({
    ...taskRow({ ...run, command, nowMs }),
    ...run,
    idempotency_key: idempotencyKey ?? null,
    deadline_at: nowMs + RUN_START_MS,
    cron_id: cron?.id ?? null,
    cron_name: cron?.name ?? null,
    planned_at: cron?.plannedAt ?? null,
  }).execute();
}

/** One run. Unique index on workspace and run. */
export async function findRun(
  db: Queryable,
  workspaceId: string,
  runId: string,
): Promise<StoredRun | undefined> {
  return await selectRuns(db).where("workspace_id", "=", workspaceId).where("run_id", "=", runId)
    .executeTakeFirst();
}

/** The run that was made with this key. Unique index on workspace and key. */
export async function findRunByKey(
  db: Queryable,
  workspaceId: string,
  idempotencyKey: string,
): Promise<StoredRun | undefined> {
  return await selectRuns(db).where("workspace_id", "=", workspaceId)
    .where("idempotency_key", "=", idempotencyKey).executeTakeFirst();
}

export interface RunFilter {
  readonly workspaceId: string;
  /** `undefined`: all. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  readonly deploymentId: string | undefined;
  /** The name of a cron. */
  readonly cron: string | undefined;
  /** Only older ones than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Runs of a workspace, newest first. Index on workspace, time and run; of a cron on workspace, name, time and run. */
export async function listRuns(db: Queryable, filter: RunFilter): Promise<StoredRun[]> {
  const { projectIds, environmentSlug, deploymentId, cron, before } = filter;
  if (projectIds?.length === 0) return [];
  let query = selectRuns(db).where("workspace_id", "=", filter.workspaceId);
  if (projectIds !== undefined) query = query.where("project_id", "in", [...projectIds]);
  if (environmentSlug !== undefined) query = query.where("environment_slug", "=", environmentSlug);
  if (deploymentId !== undefined) query = query.where("deployment_id", "=", deploymentId);
  if (cron !== undefined) query = query.where("cron_name", "=", cron);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("run_id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("run_id", "desc").limit(filter.limit).execute();
}

/** Runs of a workspace that have not ended. Index on workspace and state. */
export async function countOpenRuns(db: Queryable, workspaceId: string): Promise<number> {
  const row = await db.selectFrom("deployment_tasks").select((eb) => eb.fn.countAll().as("count"))
    .where("workspace_id", "=", workspaceId).where("state", "in", OPEN_STATES).where("run_id", "is not", null)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** Why a run is over without a report of its end. */
export interface RunEnd {
  /** As a code. */
  readonly reason: "cancelled" | "deployment_stopped" | "not_started" | "lost";
  /** The same for a person. */
  readonly message: string;
  readonly nowMs: number;
}

/** Ends a run that has not ended, and returns whether this did it. Call it when the placements are locked. */
export async function endRun(
  tx: Tx,
  { deployment_id, name }: Pick<StoredRun, "deployment_id" | "name">,
  end: RunEnd,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.updateTable("deployment_tasks").set(endOf(end))
    .where("deployment_id", "=", deployment_id).where("name", "=", name).where("state", "in", OPEN_STATES)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends the runs of a deployment in these regions, whose placements are locked. Index on deployment and state. */
export async function endRunsOf(
  tx: Tx,
  { deploymentId, regions, ...end }: RunEnd & {
    readonly deploymentId: string;
    readonly regions: readonly string[];
  },
): Promise<void> {
  await tx.updateTable("deployment_tasks").set(endOf(end)).where("deployment_id", "=", deploymentId)
    .where("state", "in", OPEN_STATES).where("region", "in", [...regions]).where("run_id", "is not", null)
    .execute();
}

function endOf({ reason, message, nowMs }: RunEnd) {
  return {
    state: "failed",
    reason,
    message,
    updated_at: nowMs,
    ended_at: nowMs,
    deadline_at: null,
  } as const;
}

/** Runs whose deadline is over, also those that have ended meanwhile. Index on `deadline_at`. */
export async function listOverdueRuns(
  db: Queryable,
  { nowMs, limit }: { readonly nowMs: number; readonly limit: number },
): Promise<StoredRun[]> {
  return await selectRuns(db).where("deadline_at", "<=", nowMs).orderBy("deadline_at").limit(limit).execute();
}

/** The run as it is now, and other transactions that change it wait. By primary key. */
export async function lockRun(
  tx: Tx,
  { deployment_id, name }: Pick<StoredRun, "deployment_id" | "name">,
): Promise<StoredRun | undefined> {
  const query = selectRuns(tx).where("deployment_id", "=", deployment_id).where("name", "=", name);
  return await lockRows(tx, query).executeTakeFirst();
}

/** Nothing is waited for any more. */
export async function clearDeadline(
  tx: Tx,
  { deployment_id, name }: Pick<StoredRun, "deployment_id" | "name">,
): Promise<void> {
  await tx.updateTable("deployment_tasks").set({ deadline_at: null })
    .where("deployment_id", "=", deployment_id).where("name", "=", name).execute();
}

/** Removes up to `limit` runs from before `beforeMs` that have ended, and returns how many. Index on `created_at`. */
export async function deleteRuns(
  tx: Tx,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<number> {
  const old = await tx.selectFrom("deployment_tasks").select(["deployment_id", "name"])
    .where("created_at", "<", beforeMs).where("run_id", "is not", null).where("state", "not in", OPEN_STATES)
    .orderBy("created_at").limit(limit).execute();
  for (const { deployment_id, name } of old) {
    await tx.deleteFrom("deployment_tasks").where("deployment_id", "=", deployment_id)
      .where("name", "=", name).execute();
  }
  return old.length;
}

/** Tasks that are runs. */
export function selectRuns(
  db: Queryable,
): SelectQueryBuilder<Schema, "deployment_tasks", StoredRun> {
  return db.selectFrom("deployment_tasks").selectAll().where("run_id", "is not", null).$narrowType<
    { [K in Identity]: NotNull }
  >();
}
