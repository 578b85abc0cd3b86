/** The last request of each deployment, and the unused deployments. Times are the database's. */
import { databaseNow, lockRows, upsert } from "../../../../pkg/db/mod.ts";
import { PRODUCTION_SLUG } from "../deployments/domains.ts";
import { PREVIEW_SLUG } from "../deployments/idle_end.ts";
import type { Queryable, Tx } from "./database.ts";

const REQUESTED_OF = 200;

/** Notes that the deployments got requests just now. Edges may name the same ones at the same time. */
export async function recordRequests(db: Queryable, deploymentIds: readonly string[]): Promise<void> {
  if (deploymentIds.length === 0) return;
  const last_request_at = await databaseNow(db);
  // In one order, so that no two statements wait for each other.
  const rows = [...new Set(deploymentIds)].sort().map((deployment_id) => ({
    deployment_id,
    last_request_at,
  }));
  await upsert(db, "deployment_requests", rows, { key: ["deployment_id"], update: ["last_request_at"] });
}

/** When the deployment got its last request; `undefined`: never. Reports of edges wait until the transaction ends. */
export async function lockLastRequest(tx: Tx, deploymentId: string): Promise<number | undefined> {
  const query = tx.selectFrom("deployment_requests").select("last_request_at")
    .where("deployment_id", "=", deploymentId);
  return (await lockRows(tx, query).executeTakeFirst())?.last_request_at;
}

/**
 * The deployments of an environment that got a request since `sinceMs`, of its newest 200, the latest request first. Index on
 * environment and creation, then primary key.
 */
export async function listRequestedDeployments(
  db: Queryable,
  { workspaceId, environmentId, sinceMs, limit }: {
    readonly workspaceId: string;
    readonly environmentId: string;
    readonly sinceMs: number;
    readonly limit: number;
  },
): Promise<readonly string[]> {
  const newest = await db.selectFrom("deployments").select("id").where("workspace_id", "=", workspaceId)
    .where("environment_id", "=", environmentId).orderBy("created_at", "desc").orderBy("id", "desc")
    .limit(REQUESTED_OF).execute();
  if (newest.length === 0) return [];
  const rows = await db.selectFrom("deployment_requests").select("deployment_id")
    .where("deployment_id", "in", newest.map(({ id }) => id)).where("last_request_at", ">=", sinceMs)
    .orderBy("last_request_at", "desc").orderBy("deployment_id").limit(limit).execute();
  return rows.map(({ deployment_id }) => deployment_id);
}

/** A deployment that was not used for longer than its environment allows. */
export interface UnusedDeployment {
  readonly id: string;
  readonly environmentId: string;
}

/**
 * Ready deployments, outside of production, whose last request and last start are longer ago than the setting of the
 * environment, or the operator's; those with ids after `after`, in their order. By index on status and change.
 */
export async function listUnusedDeployments(
  db: Queryable,
  { operatorSeconds, marginMs, limit, after = "" }: {
    readonly after?: string;
    readonly operatorSeconds: number;
    readonly marginMs: number;
    readonly limit: number;
  },
): Promise<readonly UnusedDeployment[]> {
  const now = await databaseNow(db);
  return await db.selectFrom("deployments as d")
    .innerJoin("environments as e", "e.id", "d.environment_id")
    .leftJoin("deployment_requests as r", "r.deployment_id", "d.id")
    .select(["d.id", "d.environment_id as environmentId"])
    .where("d.status", "=", "ready").where("d.id", ">", after).where("e.slug", "!=", PRODUCTION_SLUG).where(
      "e.deleted_at",
      "=",
      0,
    )
    .where(({ eb, and, or, fn, val }) => {
      const seconds = fn.coalesce("e.idle_end_seconds", val(operatorSeconds));
      const since = (time: Parameters<typeof eb>[0]) =>
        eb(eb(time, "+", eb(seconds, "*", 1_000)), "<", now - marginMs);
      return and([
        eb(seconds, ">", 0),
        or([eb("e.idle_end_seconds", "is not", null), eb("e.slug", "=", PREVIEW_SLUG)]),
        since("d.updated_at"),
        or([eb("r.last_request_at", "is", null), since("r.last_request_at")]),
      ]);
    })
    .orderBy("d.id").limit(limit).execute();
}
