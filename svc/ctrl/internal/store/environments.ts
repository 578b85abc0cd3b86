/**
 * Environments of projects, and the live pointer of each. A transaction that decides about an environment's traffic, its
 * sequence or its end locks the environment's row first.
 */
import { lockRows } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { EDGE_REGION } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import { removeCronsOfEnvironment } from "./crons.ts";
import { removeDomainsOfEnvironment } from "./domain_end.ts";
import { recordLive } from "./live_history.ts";
import { removeProtectionOfEnvironment } from "./protections.ts";
import { removeRoutesOfEnvironment } from "./routes.ts";
import type { EnvironmentsTable } from "./schema.ts";
import { removeAllEnvironmentVariables } from "./variables.ts";

export interface NewEnvironment {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly slug: string;
  readonly description: string;
  readonly nowMs: number;
}

/** Makes an environment and returns its id. @throws `already_exists` when the slug is taken in the project */
export async function createEnvironment(db: Queryable, environment: NewEnvironment): Promise<string> {
  const id = newId("environment", environment.nowMs);
  await db.insertInto("environments").values({
    id,
    workspace_id: environment.workspaceId,
    project_id: environment.projectId,
    slug: environment.slug,
    description: environment.description,
    live_deployment_id: null,
    is_rolled_back: 0,
    size: null,
    size_set_at: 0,
    idle_end_seconds: null,
    app_settings: null,
    next_sequence: 1,
    created_at: environment.nowMs,
    updated_at: environment.nowMs,
    deleted_at: 0,
  }).execute();
  return id;
}

/** Sets the column `app_settings`; see `encodeAppSettings`. */
export async function setEnvironmentAppSettings(
  tx: Tx,
  { id, settings, nowMs }: { readonly id: string; readonly settings: string | null; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("environments").set({ app_settings: settings, updated_at: nowMs }).where("id", "=", id)
    .execute();
}

/** Sets the column `size`; see `encodeSizeSettings`. */
export async function setEnvironmentSize(
  tx: Tx,
  { id, size, nowMs }: { readonly id: string; readonly size: string | null; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("environments").set({ size, size_set_at: nowMs, updated_at: nowMs }).where(
    "id",
    "=",
    id,
  ).execute();
}

/** Sets the column `idle_end_seconds`. */
export async function setIdleEnd(
  tx: Tx,
  { id, seconds, nowMs }: { readonly id: string; readonly seconds: number | null; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("environments").set({ idle_end_seconds: seconds, updated_at: nowMs })
    .where("id", "=", id).execute();
}

/** The environment, by primary key; a deleted one is as good as missing, here and below. */
export async function findEnvironment(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<EnvironmentsTable | undefined> {
  return await db.selectFrom("environments").selectAll()
    .where("id", "=", id).where("workspace_id", "=", workspaceId).where("deleted_at", "=", 0)
    .executeTakeFirst();
}

/** The environment of whatever workspace, for an edge. By primary key. */
export async function findAnyEnvironment(db: Queryable, id: string): Promise<EnvironmentsTable | undefined> {
  return await db.selectFrom("environments").selectAll().where("id", "=", id).where("deleted_at", "=", 0)
    .executeTakeFirst();
}

/** The environment, by its slug, which is unique in the project. */
export async function findEnvironmentBySlug(
  db: Queryable,
  workspaceId: string,
  projectId: string,
  slug: string,
): Promise<EnvironmentsTable | undefined> {
  return await db.selectFrom("environments").selectAll()
    .where("project_id", "=", projectId).where("slug", "=", slug)
    .where("workspace_id", "=", workspaceId).where("deleted_at", "=", 0).executeTakeFirst();
}

/** All environments of a project by slug, served by the unique key of project and slug. */
export async function listEnvironments(
  db: Queryable,
  workspaceId: string,
  projectId: string,
): Promise<EnvironmentsTable[]> {
  return await db.selectFrom("environments").selectAll()
    .where("project_id", "=", projectId).where("workspace_id", "=", workspaceId)
    .where("deleted_at", "=", 0).orderBy("slug").execute();
}

/** When the newest deployment of each of these environments was created. By index on environment and time. */
export async function listLastDeployed(
  db: Queryable,
  environmentIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (environmentIds.length === 0) return new Map();
  const rows = await db.selectFrom("deployments").select("environment_id")
    .select(({ fn }) => fn.max("created_at").as("at"))
    .where("environment_id", "in", [...environmentIds]).groupBy("environment_id").execute();
  return new Map(rows.map(({ environment_id, at }) => [environment_id, at]));
}

/** Counts the environments of a project. */
export async function countEnvironments(tx: Tx, projectId: string): Promise<number> {
  const rows = await tx.selectFrom("environments").select("id")
    .where("project_id", "=", projectId).where("deleted_at", "=", 0).execute();
  return rows.length;
}

/** The environment, locked until the transaction ends; `undefined` also for a deleted one. */
export async function lockEnvironment(tx: Tx, id: string): Promise<EnvironmentsTable | undefined> {
  return await lockRows(
    tx,
    tx.selectFrom("environments").selectAll().where("id", "=", id).where("deleted_at", "=", 0),
  )
    .executeTakeFirst();
}

/**
 * Takes the next deployment sequence of the environment, whose row is locked until the transaction ends.
 *
 * `undefined`: the workspace has no such environment.
 */
export async function lockNextSequence(
  tx: Tx,
  { id, workspaceId }: { readonly id: string; readonly workspaceId: string },
): Promise<number | undefined> {
  const query = tx.selectFrom("environments").select("next_sequence").where("deleted_at", "=", 0)
    .where("id", "=", id).where("workspace_id", "=", workspaceId);
  return (await lockRows(tx, query).executeTakeFirst())?.next_sequence;
}

/** Notes that `sequence` is taken. The caller has it from `lockNextSequence`. */
export async function takeSequence(tx: Tx, id: string, sequence: number): Promise<void> {
  await tx.updateTable("environments").set({ next_sequence: sequence + 1 }).where("id", "=", id).execute();
}

/** The live pointer of an environment. @throws `not_found` when there is no such environment */
export async function findEnvironmentPointer(
  db: Queryable,
  id: string,
): Promise<{ readonly liveDeploymentId: string | undefined; readonly rolledBack: boolean }> {
  const row = await db.selectFrom("environments").select(["live_deployment_id", "is_rolled_back"])
    .where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw publicFault("not_found", `There is no environment ${id}.`);
  return { liveDeploymentId: row.live_deployment_id ?? undefined, rolledBack: row.is_rolled_back === 1 };
}

/**
 * Moves the environment's live pointer from `expected` to `next`, sets whether it is rolled back, and records the
 * move in the environment's history. The caller holds the environment's row.
 *
 * @returns false when the pointer was not `expected`: another transaction moved it, and nothing was changed
 */
export async function swapLiveDeployment(
  tx: Tx,
  swap: {
    readonly environmentId: string;
    readonly expected: string | undefined;
    readonly next: string | undefined;
    readonly rolledBack: boolean;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const update = tx.updateTable("environments")
    .set({
      live_deployment_id: swap.next ?? null,
      is_rolled_back: swap.rolledBack ? 1 : 0,
      updated_at: swap.nowMs,
    })
    .where("id", "=", swap.environmentId);
  const guarded = swap.expected === undefined
    ? update.where("live_deployment_id", "is", null)
    : update.where("live_deployment_id", "=", swap.expected);
  if ((await guarded.executeTakeFirst()).numUpdatedRows === 0n) return false;
  const { environmentId, expected, next, rolledBack, nowMs } = swap;
  if (next !== undefined && next !== expected) {
    const move = { environmentId, deploymentId: next, displaced: expected, back: rolledBack, nowMs };
    await recordLive(tx, move);
  }
  return true;
}

/**
 * Marks the environment as deleted, and removes its routes, its live pointer, its variables and its crons. Its deployments stay as
 * history. Returns the regions whose feeds changed.
 */
export async function deleteEnvironment(
  tx: Tx,
  environment: Pick<EnvironmentsTable, "workspace_id" | "project_id" | "id" | "slug">,
  nowMs: number,
): Promise<readonly string[]> {
  const { id, slug } = environment;
  await tx.updateTable("environments").set({
    slug: `${slug}:${id}`,
    live_deployment_id: null,
    is_rolled_back: 0,
    updated_at: nowMs,
    deleted_at: nowMs,
  }).where("id", "=", id).execute();
  await removeAllEnvironmentVariables(tx, id);
  await removeProtectionOfEnvironment(tx, environment);
  await removeCronsOfEnvironment(tx, id);
  const domains = await removeDomainsOfEnvironment(tx, id, nowMs);
  const routes = await removeRoutesOfEnvironment(tx, id, nowMs);
  return domains || routes ? [EDGE_REGION] : [];
}
