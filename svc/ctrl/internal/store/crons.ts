/**
 * Commands that run by the clock. Transactions that change the crons of an environment hold the environment's row.
 */
import { insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { CronsTable } from "./schema_crons.ts";

/** Notes that the environment may have crons from now on, for the transaction that moves its traffic. */
export async function noteCronEnvironment(
  tx: Tx,
  { environmentId, workspaceId }: { readonly environmentId: string; readonly workspaceId: string },
): Promise<void> {
  const row = { environment_id: environmentId, workspace_id: workspaceId, deployment_id: null };
  await insertIgnore(tx, "cron_environments", [row], ["environment_id"]);
}

/** True for an environment that got a deployment with crons at some time. By primary key. */
export async function mayHaveCrons(db: Queryable, environmentId: string): Promise<boolean> {
  const row = await db.selectFrom("cron_environments").select("environment_id")
    .where("environment_id", "=", environmentId).executeTakeFirst();
  return row !== undefined;
}

/** Notes the deployment whose crons the environment has. */
export async function noteCronDeployment(tx: Tx, environmentId: string, deploymentId: string): Promise<void> {
  await tx.updateTable("cron_environments").set({ deployment_id: deploymentId })
    .where("environment_id", "=", environmentId).execute();
}

/** An environment whose crons are those of a deployment that is not live any more. */
export interface OutdatedCrons {
  readonly environmentId: string;
  readonly workspaceId: string;
}

/** Such environments in the order of their ids: a worker of the former release has moved their traffic. By primary keys. */
export async function listOutdatedCrons(db: Queryable, limit: number): Promise<readonly OutdatedCrons[]> {
  return await db.selectFrom("cron_environments as c").innerJoin(
    "environments as e",
    "e.id",
    "c.environment_id",
  )
    .select(["c.environment_id as environmentId", "c.workspace_id as workspaceId"])
    .where("e.live_deployment_id", "is not", null)
    .where((eb) =>
      eb.or([eb("c.deployment_id", "is", null), eb("c.deployment_id", "!=", eb.ref("e.live_deployment_id"))])
    )
    .orderBy("c.environment_id").limit(limit).execute();
}

/** All crons of an environment, with those that it does not have any more. By primary key. */
export async function listCronsOfEnvironment(db: Queryable, environmentId: string): Promise<CronsTable[]> {
  return await db.selectFrom("crons").selectAll().where("environment_id", "=", environmentId)
    .orderBy("name").execute();
}

export async function createCron(tx: Tx, cron: CronsTable): Promise<void> {
  await tx.insertInto("crons").values(cron).execute();
}

/** The columns of a cron that change. */
export type CronChanges = Partial<
  Omit<CronsTable, "environment_id" | "name" | "id" | "workspace_id" | "created_at">
>;

/** Changes one cron, by primary key. */
export async function updateCron(
  tx: Tx,
  { environment_id, name }: Pick<CronsTable, "environment_id" | "name">,
  changes: CronChanges,
): Promise<void> {
  await tx.updateTable("crons").set(changes).where("environment_id", "=", environment_id)
    .where("name", "=", name).execute();
}

/** One cron, also one that the environment does not have any more. By primary key. */
export async function findCron(
  db: Queryable,
  environmentId: string,
  name: string,
): Promise<CronsTable | undefined> {
  return await db.selectFrom("crons").selectAll().where("environment_id", "=", environmentId)
    .where("name", "=", name).executeTakeFirst();
}

/** The same, and other transactions that change it wait. */
export async function lockCron(tx: Tx, environmentId: string, name: string): Promise<CronsTable | undefined> {
  const query = tx.selectFrom("crons").selectAll().where("environment_id", "=", environmentId)
    .where("name", "=", name);
  return await lockRows(tx, query).executeTakeFirst();
}

/** A cron whose planned time is over. */
export type DueCron = Pick<CronsTable, "id" | "environment_id" | "name" | "workspace_id"> & {
  readonly planned_at: number;
};

/** Due crons, the one that is due for the longest time first, behind the last one of the page before. Index on `planned_at`. */
export async function listDueCrons(
  db: Queryable,
  { nowMs, after, limit }: {
    readonly nowMs: number;
    readonly after: Pick<DueCron, "planned_at" | "id"> | undefined;
    readonly limit: number;
  },
): Promise<DueCron[]> {
  let query = db.selectFrom("crons").select(["id", "environment_id", "name", "workspace_id", "planned_at"])
    .where("planned_at", "<=", nowMs).$narrowType<{ planned_at: number }>();
  if (after !== undefined) {
    query = query.where("planned_at", ">=", after.planned_at).where((eb) =>
      eb.or([eb("planned_at", ">", after.planned_at), eb("id", ">", after.id)])
    );
  }
  return await query.orderBy("planned_at").orderBy("id").limit(limit).execute();
}

export interface CronFilter {
  readonly workspaceId: string;
  /** `undefined`: all. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  /** Only older ones than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** The crons that hold in a workspace, newest first. Index on workspace, time and id. */
export async function listCrons(db: Queryable, filter: CronFilter): Promise<CronsTable[]> {
  const { projectIds, environmentSlug, before } = filter;
  if (projectIds?.length === 0) return [];
  let query = db.selectFrom("crons").selectAll().where("workspace_id", "=", filter.workspaceId)
    .where("removed_at", "is", null);
  if (projectIds !== undefined) query = query.where("project_id", "in", [...projectIds]);
  if (environmentSlug !== undefined) query = query.where("environment_slug", "=", environmentSlug);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  return await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
}

/** Removes all crons of an environment that ends. */
export async function removeCronsOfEnvironment(tx: Tx, environmentId: string): Promise<void> {
  await tx.deleteFrom("crons").where("environment_id", "=", environmentId).execute();
  await tx.deleteFrom("cron_environments").where("environment_id", "=", environmentId).execute();
}

/** Forgets up to `limit` crons that their environments have not had since `beforeMs`. Index on `removed_at`. */
export async function deleteRemovedCrons(
  tx: Tx,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<number> {
  const old = await tx.selectFrom("crons").select(["environment_id", "name"])
    .where("removed_at", "<", beforeMs).orderBy("removed_at").limit(limit).execute();
  for (const { environment_id, name } of old) {
    await tx.deleteFrom("crons").where("environment_id", "=", environment_id).where("name", "=", name)
      .where("removed_at", "<", beforeMs).execute();
  }
  return old.length;
}
