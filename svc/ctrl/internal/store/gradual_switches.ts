/**
 * Moves of live traffic in steps. A gradual switch that runs has its environment's id in `running_in`, which is unique: there is
 * one per environment. The transaction that begins, steps or ends it holds the environment's row.
 */
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { GradualState, GradualSwitchesTable } from "./schema_switches.ts";

/** Writes a gradual switch that begins. */
export async function insertGradualSwitch(tx: Tx, row: GradualSwitchesTable): Promise<void> {
  await tx.insertInto("gradual_switches").values(row).execute();
}

/** By primary key. */
export async function findGradualSwitch(
  db: Queryable,
  id: string,
): Promise<GradualSwitchesTable | undefined> {
  return await db.selectFrom("gradual_switches").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The same, locked until the end of the transaction. */
export async function lockGradualSwitch(tx: Tx, id: string): Promise<GradualSwitchesTable | undefined> {
  return await lockRows(tx, tx.selectFrom("gradual_switches").selectAll().where("id", "=", id))
    .executeTakeFirst();
}

/** The gradual switch that runs in the environment. Unique index on `running_in`. */
export async function findRunningGradual(
  db: Queryable,
  environmentId: string,
): Promise<GradualSwitchesTable | undefined> {
  return await db.selectFrom("gradual_switches").selectAll().where("running_in", "=", environmentId)
    .executeTakeFirst();
}

/** Those that run in these environments. Unique index on `running_in`. */
export async function listRunningGraduals(
  db: Queryable,
  environmentIds: readonly string[],
): Promise<readonly GradualSwitchesTable[]> {
  if (environmentIds.length === 0) return [];
  return await db.selectFrom("gradual_switches").selectAll()
    .where("running_in", "in", [...environmentIds]).execute();
}

/** Goes on to a step. */
export async function setGradualStep(
  tx: Tx,
  { id, step, nowMs }: { readonly id: string; readonly step: number; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("gradual_switches").set({ step, step_started_at: nowMs }).where("id", "=", id)
    .where("ended_at", "is", null).execute();
}

/** Ends one that runs. */
export async function endGradualRow(
  tx: Tx,
  { id, state, reason, nowMs }: {
    readonly id: string;
    readonly state: Exclude<GradualState, "running">;
    readonly reason: string;
    readonly nowMs: number;
  },
): Promise<void> {
  await tx.updateTable("gradual_switches").set({ state, reason, ended_at: nowMs, running_in: null })
    .where("id", "=", id).where("ended_at", "is", null).execute();
}

/** The result of a look at a gradual switch. */
export type GradualLook = Pick<
  GradualSwitchesTable,
  "looks" | "requests_seen" | "looks_without_instance" | "looked_at" | "evidence"
>;

/** Notes a look at one that runs. */
export async function noteGradualLook(db: Queryable, id: string, look: GradualLook): Promise<void> {
  await db.updateTable("gradual_switches").set(look).where("id", "=", id).where("ended_at", "is", null)
    .execute();
}

export interface GradualFilter {
  readonly workspaceId: string;
  /** `undefined`: all. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  readonly deploymentId: string | undefined;
  readonly isRunning: boolean;
  /** Only older ones than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Those of a workspace, newest first. Indices on (workspace | project | deployment, created_at, id). */
export async function listGradualSwitches(
  db: Queryable,
  filter: GradualFilter,
): Promise<readonly GradualSwitchesTable[]> {
  const { projectIds, environmentSlug, deploymentId, before } = filter;
  if (projectIds?.length === 0) return [];
  let query = db.selectFrom("gradual_switches").selectAll().where("workspace_id", "=", filter.workspaceId);
  if (projectIds !== undefined) query = query.where("project_id", "in", [...projectIds]);
  if (environmentSlug !== undefined) query = query.where("environment_slug", "=", environmentSlug);
  if (deploymentId !== undefined) query = query.where("deployment_id", "=", deploymentId);
  if (filter.isRunning) query = query.where("ended_at", "is", null);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
}

/** Running ones without a look since `beforeMs`: no workflow watches them. Index on `ended_at` and `looked_at`. */
export async function listUnwatchedGraduals(
  db: Queryable,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("gradual_switches").select("id").where("ended_at", "is", null)
    .where("looked_at", "<", beforeMs).orderBy("looked_at").limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** Removes up to `limit` from before `beforeMs` that have ended, and returns how many. */
export async function deleteGraduals(
  tx: Tx,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<number> {
  const old = await tx.selectFrom("gradual_switches").select("id").where("ended_at", "is not", null)
    .where("created_at", "<", beforeMs).orderBy("created_at").limit(limit).execute();
  const ids = old.map(({ id }) => id);
  if (ids.length > 0) await tx.deleteFrom("gradual_switches").where("id", "in", ids).execute();
  return ids.length;
}
