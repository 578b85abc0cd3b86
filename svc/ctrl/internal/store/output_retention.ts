/** Retention of output: old deployments lose their printed lines, and keep steps, statuses and failures. */
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { PayloadOf } from "../deployments/events.ts";
import type { Queryable } from "./database.ts";
import { timeNsText } from "./log_block.ts";

/**
 * Deployments whose last change of status was before `beforeMs`, that are over, serve nothing and run nowhere, and that
 * may still have output; longest ago first. Index on `output_removed_at` and `updated_at`.
 */
export async function listPastDeployments(
  db: Queryable,
  options: { readonly beforeMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("deployments").select("deployments.id")
    .where("output_removed_at", "is", null).where("updated_at", "<", options.beforeMs)
    .where("status", "not in", [...ACTIVE_STATUSES])
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
    .orderBy("updated_at").limit(options.limit).execute();
  return rows.map(({ id }) => id);
}

/** One bounded deletion. */
export interface OutputBatch {
  readonly deploymentId: string;
  /** Younger output stays: the deployment may have been started meanwhile. */
  readonly beforeMs: number;
  readonly limit: number;
}

/**
 * Deletes about `limit` of the blocks of lines that its instances printed, oldest first, and returns how many; blocks
 * that end at the same time go together. Index on deployment and time.
 */
export async function deleteInstanceOutput(db: Queryable, batch: OutputBatch): Promise<number> {
  const { deploymentId, beforeMs, limit } = batch;
  const before = timeNsText(BigInt(beforeMs) * 1_000_000n);
  const last = await db.selectFrom("log_blocks").select("last_time_ns")
    .where("deployment_id", "=", deploymentId).where("last_time_ns", "<", before)
    .orderBy("last_time_ns").offset(limit - 1).limit(1).executeTakeFirst();
  const deletion = db.deleteFrom("log_blocks").where("deployment_id", "=", deploymentId);
  const { numDeletedRows } = last === undefined
    ? await deletion.where("last_time_ns", "<", before).executeTakeFirst()
    : await deletion.where("last_time_ns", "<=", last.last_time_ns).executeTakeFirst();
  return Number(numDeletedRows);
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
