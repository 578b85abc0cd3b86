/** Retention of output: old deployments lose their printed lines, and keep steps, statuses and failures. */
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { PayloadOf } from "../deployments/events.ts";
import type { Queryable } from "./database.ts";
import { deleteLogBlocks } from "./instance_logs.ts";
import { timeNsText } from "./log_block.ts";

/** A place in the order of deployments by their last change of status. */
export interface PastPlace {
  readonly updatedAtMs: number;
  readonly id: string;
}

/** Deployments of one look, and the place after which the next one begins; `undefined`: there is no more. */
export interface PastDeployments {
  readonly ids: readonly string[];
  readonly next: PastPlace | undefined;
}

/**
 * Looks at the next `limit` deployments after a place whose last change of status was before `beforeMs` and that may still
 * have output, longest ago first, and returns those that are over, serve nothing and run nowhere. A look costs as much
 * however many others run for years. Index on `output_removed_at` and `updated_at`; then by primary key.
 */
export async function listPastDeployments(
  db: Queryable,
  { beforeMs, after, limit }: {
    readonly beforeMs: number;
    readonly after?: PastPlace | undefined;
    readonly limit: number;
  },
): Promise<PastDeployments> {
  const seen = await db.selectFrom("deployments").select(["id", "updated_at"])
    .where("output_removed_at", "is", null).where("updated_at", "<", beforeMs)
    .$if(
      after !== undefined,
      (query) =>
        query.where("updated_at", ">=", after?.updatedAtMs ?? 0).where((eb) =>
          eb.or([eb("updated_at", ">", after?.updatedAtMs ?? 0), eb("id", ">", after?.id ?? "")])
        ),
    )
    .orderBy("updated_at").orderBy("id").limit(limit).execute();
  const last = seen.at(-1);
  const next = last === undefined || seen.length < limit
    ? undefined
    : { updatedAtMs: last.updated_at, id: last.id };
  return { ids: await listOver(db, seen.map(({ id }) => id)), next };
}

/** Those of `ids` that are over, serve nothing and run nowhere, in their order. */
async function listOver(db: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("deployments").select("deployments.id")
    .where("deployments.id", "in", [...ids]).where("status", "not in", [...ACTIVE_STATUSES])
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("environments").select("environments.id")
          .whereRef("environments.id", "=", "deployments.environment_id")
          .whereRef("environments.live_deployment_id", "=", "deployments.id"),
      ))
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployment_topology").select("deployment_topology.region")
          .whereRef("deployment_topology.deployment_id", "=", "deployments.id")
          .where("deployment_topology.desired_status", "=", "started"),
      ))
    )
    .execute();
  const over = new Set(rows.map(({ id }) => id));
  return ids.filter((id) => over.has(id));
}

/** The newest deployments of a project, or of one environment, that may still have output. Index on `created_at`. */
export async function listOutputDeployments(
  db: Queryable,
  { projectId, environmentId, limit }: {
    readonly projectId: string;
    readonly environmentId: string | undefined;
    readonly limit: number;
  },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("deployments").select("id").where("project_id", "=", projectId)
    .$if(environmentId !== undefined, (query) => query.where("environment_id", "=", environmentId ?? ""))
    .where("output_removed_at", "is", null)
    .orderBy("created_at", "desc").orderBy("id", "desc").limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** One bounded deletion. */
export interface OutputBatch {
  readonly deploymentId: string;
  /** Younger output stays: the deployment may have been started meanwhile. */
  readonly beforeMs: number;
  readonly limit: number;
}

/** Deletes about `limit` of the blocks of lines that its instances printed, oldest first, and returns how many. */
export async function deleteInstanceOutput(db: Queryable, batch: OutputBatch): Promise<number> {
  const { deploymentId, beforeMs, limit } = batch;
  const untilNs = timeNsText(BigInt(beforeMs) * 1_000_000n - 1n);
  return await deleteLogBlocks(db, { deploymentId, untilNs, limit });
}

/** Deletes up to `limit` of its events that hold output, and returns how many. By primary key. */
export async function deleteOutputEvents(db: Queryable, batch: OutputBatch): Promise<number> {
  const { deploymentId, beforeMs, limit } = batch;
  const events = await db.selectFrom("deployment_events").select("sequence")
    .where("deployment_id", "=", deploymentId).where("kind", "=", "log").where("created_at", "<", beforeMs)
    .orderBy("sequence").limit(limit).execute();
  if (events.length === 0) return 0;
  const { numDeletedRows } = await db.deleteFrom("deployment_events").where(
    "deployment_id",
    "=",
    deploymentId,
  )
    .where("sequence", "in", events.map(({ sequence }) => sequence)).executeTakeFirst();
  return Number(numDeletedRows);
}

/**
 * Puts `notice` where the first of its events that hold output is: there everyone reads it who follows the deployment to
 * its end, but not behind the end.
 */
export async function replaceFirstOutputEvent(
  db: Queryable,
  options: Omit<OutputBatch, "limit"> & { readonly notice: string },
): Promise<void> {
  const { deploymentId, beforeMs, notice } = options;
  const first = await db.selectFrom("deployment_events").select("sequence")
    .where("deployment_id", "=", deploymentId).where("kind", "=", "log").where("created_at", "<", beforeMs)
    .orderBy("sequence").limit(1).executeTakeFirst();
  if (first === undefined) return;
  const payload: PayloadOf<"notice"> = { message: notice };
  await db.updateTable("deployment_events").set({ kind: "notice", payload: JSON.stringify(payload) })
    .where("deployment_id", "=", deploymentId).where("sequence", "=", first.sequence).execute();
}

/** Notes that there is no output any more, unless it was started meanwhile. */
export async function markOutputRemoved(db: Queryable, deploymentId: string, nowMs: number): Promise<void> {
  await db.updateTable("deployments").set({ output_removed_at: nowMs })
    .where("id", "=", deploymentId).where("status", "not in", [...ACTIVE_STATUSES]).execute();
}
