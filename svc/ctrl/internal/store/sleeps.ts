/** Deployments that sleep while no request comes: none of their instances is wanted until the next one does. */
import { databaseNow, lockRows, upsert } from "../../../../pkg/db/mod.ts";
import { sleepTimeOf } from "../deployments/sleep.ts";
import { announceRoutes } from "./routes.ts";
import { EDGE_REGION } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import { recordInstanceEvents } from "./instance_events.ts";
import { recordRequests } from "./requests.ts";
import type { DeploymentSleepsTable, DeploymentsTable } from "./schema.ts";
import { announcePlacement, lockTopology } from "./topology.ts";
import { bumpViewRevision } from "./views/revisions.ts";

type Sleeper = Pick<
  DeploymentsTable,
  "id" | "workspace_id" | "environment_id" | "app_settings"
>;

/** Lets a deployment sleep, or keeps it awake, as its settings and those of its environment say now. */
export async function followSleepTime(tx: Tx, deployment: Sleeper): Promise<void> {
  const { id, workspace_id, environment_id, app_settings: deploymentSettings } = deployment;
  const environment = await tx.selectFrom("environments").select(["slug", "app_settings"])
    .where("id", "=", environment_id).executeTakeFirst();
  const time = environment === undefined ? undefined : sleepTimeOf({
    environmentSlug: environment.slug,
    environmentSettings: environment.app_settings,
    deploymentSettings,
  });
  if (time === undefined) return await forgetSleep(tx, id);
  const row: DeploymentSleepsTable = {
    deployment_id: id,
    workspace_id,
    environment_id,
    after_seconds: time.seconds,
    is_own: time.isOwn ? 1 : 0,
    asleep_at: null,
    woken_at: null,
  };
  await upsert(tx, "deployment_sleeps", [row], {
    key: ["deployment_id"],
    update: ["after_seconds", "is_own", "asleep_at", "woken_at"],
  });
}

/** The deployment is stopped, or never sleeps from now on. */
export async function forgetSleep(tx: Tx, deploymentId: string): Promise<void> {
  await tx.deleteFrom("deployment_sleeps").where("deployment_id", "=", deploymentId).execute();
}

/**
 * Gives the started deployments of an environment its present time, but for those that have their own, and wakes those that
 * sleep. Returns the regions whose feeds changed.
 */
export async function followSleepTimes(
  tx: Tx,
  { environmentId, nowMs }: { readonly environmentId: string; readonly nowMs: number },
): Promise<readonly string[]> {
  const started = await tx.selectFrom("deployments as d")
    .leftJoin(
      "deployment_sleeps as s",
      (join) => join.onRef("s.deployment_id", "=", "d.id").onRef("s.workspace_id", "=", "d.workspace_id"),
    )
    .select(["d.id", "d.workspace_id", "d.environment_id", "d.app_settings", "s.is_own"])
    .where("d.environment_id", "=", environmentId).where("d.status", "in", ["deploying", "network", "ready"])
    .orderBy("d.id").execute();
  const changed = new Set<string>();
  const message = "Woken by a change of its environment's settings.";
  for (const deployment of started.filter((row) => row.is_own !== 1)) {
    await lockTopology(tx, deployment.id);
    for (const region of await wake(tx, { deploymentId: deployment.id, nowMs, message }) ?? []) {
      changed.add(region);
    }
    await followSleepTime(tx, deployment);
    if (await announceRoutes(tx, deployment.id, nowMs)) changed.add(EDGE_REGION);
    await bumpViewRevision(tx, [deployment.id]);
  }
  return [...changed];
}

/** The rows of these deployments, by primary key. Those that never sleep have none. */
export async function listSleeps(
  db: Queryable,
  deploymentIds: readonly string[],
): Promise<readonly DeploymentSleepsTable[]> {
  if (deploymentIds.length === 0) return [];
  return await db.selectFrom("deployment_sleeps").selectAll()
    .where("deployment_id", "in", [...deploymentIds]).execute();
}

/** True if no instance of the deployment is wanted; only what is ready sleeps. */
export function isAsleep(
  row: Pick<DeploymentSleepsTable, "asleep_at" | "woken_at"> | undefined,
  status: DeploymentsTable["status"],
): boolean {
  return status === "ready" && row !== undefined && row.asleep_at !== null && row.woken_at === null;
}

/** A deployment that sleeps, or was woken and does not run yet. */
export interface AsleepDeployment {
  readonly deploymentId: string;
  readonly wokenAt: number | null;
  readonly status: DeploymentsTable["status"];
  readonly running: number;
}

/** Those with ids after `after`, in their order. Index on the time. */
export async function pageAsleep(
  db: Queryable,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly AsleepDeployment[]> {
  const rows = await db.selectFrom("deployment_sleeps as s")
    .innerJoin(
      "deployments as d",
      (join) => join.onRef("d.id", "=", "s.deployment_id").onRef("d.workspace_id", "=", "s.workspace_id"),
    )
    .leftJoin(
      "instances as i",
      (join) =>
        join.onRef("i.deployment_id", "=", "s.deployment_id").onRef("i.workspace_id", "=", "s.workspace_id")
          .on("i.status", "=", "running"),
    )
    .select(["s.deployment_id as deploymentId", "s.woken_at as wokenAt", "d.status"])
    .select(({ fn }) => fn.count<number>("i.id").as("running"))
    .where("s.asleep_at", "is not", null).where("s.deployment_id", ">", after)
    .groupBy(["s.deployment_id", "s.woken_at", "d.status"]).orderBy("s.deployment_id").limit(limit).execute();
  return rows.map((row) => ({ ...row, running: Number(row.running) }));
}

/** A deployment whose time without a request is over. */
export interface IdleDeployment {
  readonly deploymentId: string;
  readonly environmentId: string;
}

/** Ready deployments that are awake, and got no request and no start for their time; those with ids after `after`. */
export async function pageIdle(
  db: Queryable,
  { after, limit, marginMs }: {
    readonly after: string;
    readonly limit: number;
    readonly marginMs: number;
  },
): Promise<readonly IdleDeployment[]> {
  const beforeMs = await databaseNow(db) - marginMs;
  return await db.selectFrom("deployment_sleeps as s")
    .innerJoin(
      "deployments as d",
      (join) => join.onRef("d.id", "=", "s.deployment_id").onRef("d.workspace_id", "=", "s.workspace_id"),
    )
    .leftJoin("deployment_requests as r", "r.deployment_id", "s.deployment_id")
    .select(["s.deployment_id as deploymentId", "s.environment_id as environmentId"])
    .where("s.asleep_at", "is", null).where("s.deployment_id", ">", after).where("d.status", "=", "ready")
    .where(({ eb, and, or }) => {
      const since = (time: "d.updated_at" | "r.last_request_at") =>
        eb(eb(time, "+", eb("s.after_seconds", "*", 1_000)), "<", beforeMs);
      return and([
        since("d.updated_at"),
        or([eb("r.last_request_at", "is", null), since("r.last_request_at")]),
      ]);
    })
    .orderBy("s.deployment_id").limit(limit).execute();
}

/** The row, locked until the transaction ends. */
export async function lockSleep(tx: Tx, deploymentId: string): Promise<DeploymentSleepsTable | undefined> {
  const query = tx.selectFrom("deployment_sleeps").selectAll().where("deployment_id", "=", deploymentId);
  return await lockRows(tx, query).executeTakeFirst();
}

/** The cause of most wakes, for a person. */
export const WOKEN_BY_REQUEST = "Woken by a request.";

interface Change {
  readonly deploymentId: string;
  readonly nowMs: number;
  /** Why, for a person. */
  readonly message: string;
}

/** Wants no instance of the deployment, whose rows the caller holds. Returns the regions whose feeds changed. */
export async function putToSleep(
  tx: Tx,
  { deploymentId, nowMs, message }: Change,
): Promise<readonly string[]> {
  await tx.updateTable("deployment_sleeps").set({ asleep_at: nowMs, woken_at: null })
    .where("deployment_id", "=", deploymentId).execute();
  return await announce(tx, { deploymentId, nowMs, reason: "asleep", message });
}

/**
 * Wants the instances of a deployment that sleeps again, and notes that it was used. Returns the regions whose feeds changed;
 * `undefined`: it does not sleep. A caller that holds its last request or its topology took them in this order.
 */
export async function wake(
  tx: Tx,
  { deploymentId, nowMs, message }: Change,
): Promise<readonly string[] | undefined> {
  const [row] = await listSleeps(tx, [deploymentId]);
  if (row === undefined || row.asleep_at === null || row.woken_at !== null) return undefined;
  await recordRequests(tx, [deploymentId]);
  await lockTopology(tx, deploymentId);
  const { numUpdatedRows } = await tx.updateTable("deployment_sleeps").set({ woken_at: nowMs })
    .where("deployment_id", "=", deploymentId).where("asleep_at", "is not", null).where(
      "woken_at",
      "is",
      null,
    )
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return undefined;
  return await announce(tx, { deploymentId, nowMs, reason: "woken", message });
}

async function announce(
  tx: Tx,
  { deploymentId, nowMs, reason, message }: Change & { readonly reason: string },
): Promise<readonly string[]> {
  const regions = await announcePlacement(tx, { deploymentId, nowMs });
  for (const region of regions) {
    const event = {
      kind: "scaled",
      reason,
      message,
      instance: "",
      exitCode: null,
      atMs: nowMs,
      times: 1,
    } as const;
    await recordInstanceEvents(tx, { deploymentId, region }, [event]);
  }
  await bumpViewRevision(tx, [deploymentId]);
  return regions;
}

/** A deployment that was woken is awake: it runs, or it did not come to run. */
export async function endSleep(tx: Tx, deploymentId: string): Promise<void> {
  await tx.updateTable("deployment_sleeps").set({ asleep_at: null, woken_at: null })
    .where("deployment_id", "=", deploymentId).where("woken_at", "is not", null).execute();
  await bumpViewRevision(tx, [deploymentId]);
}
