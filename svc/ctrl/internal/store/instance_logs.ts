/** Output of instances, kept for a bounded number of lines per deployment. */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import type { InstanceLogsTable } from "./schema.ts";

/** Stores lines. A line with a known instance, time and ordinal is ignored. */
export async function insertInstanceLogs(db: Queryable, lines: readonly InstanceLogsTable[]): Promise<void> {
  await insertIgnore(db, "instance_logs", lines, ["deployment_id", "instance", "time_ns", "ordinal"]);
}

/** Nanoseconds since the epoch as text that sorts by time. */
export function timeNsText(timeNs: bigint): string {
  return (timeNs < 0n ? 0n : timeNs).toString().padStart(20, "0");
}

/** Position of one reader, per instance: instances ship their lines in order, but not in step with each other. */
export type LogCursor = ReadonlyMap<string, { readonly timeNs: string; readonly ordinal: number }>;

/**
 * The lines after `cursor`, sorted by time, at most `limit` of each instance. By primary key.
 *
 * An instance that the cursor does not name is read from its beginning.
 */
export async function listInstanceLogsAfter(
  db: Queryable,
  deploymentId: string,
  cursor: LogCursor,
  limit: number,
): Promise<InstanceLogsTable[]> {
  const instances = await db.selectFrom("instance_logs").select("instance").distinct()
    .where("deployment_id", "=", deploymentId).execute();
  const lines: InstanceLogsTable[] = [];
  for (const { instance } of instances) {
    let query = db.selectFrom("instance_logs").selectAll()
      .where("deployment_id", "=", deploymentId).where("instance", "=", instance);
    const seen = cursor.get(instance);
    if (seen !== undefined) {
      query = query.where("time_ns", ">=", seen.timeNs).where((eb) =>
        eb.or([eb("time_ns", ">", seen.timeNs), eb("ordinal", ">", seen.ordinal)])
      );
    }
    lines.push(...await query.orderBy("time_ns").orderBy("ordinal").limit(limit).execute());
  }
  return lines.sort(byTime);
}

/** The last `limit` lines of all instances together, oldest first. Index on deployment and time. */
export async function listLastInstanceLogs(
  db: Queryable,
  deploymentId: string,
  limit: number,
): Promise<InstanceLogsTable[]> {
  const lines = await db.selectFrom("instance_logs").selectAll().where("deployment_id", "=", deploymentId)
    .orderBy("time_ns", "desc").orderBy("instance", "desc").orderBy("ordinal", "desc")
    .limit(limit).execute();
  return lines.sort(byTime);
}

/** The cursor behind these lines, given the cursor before them. */
export function advanceLogCursor(cursor: LogCursor, lines: readonly InstanceLogsTable[]): LogCursor {
  const next = new Map(cursor);
  for (const line of lines) {
    if (isAfterCursor(next, line)) next.set(line.instance, { timeNs: line.time_ns, ordinal: line.ordinal });
  }
  return next;
}

/** True when the line comes after the cursor. */
export function isAfterCursor(
  cursor: LogCursor,
  { instance, time_ns, ordinal }: Pick<InstanceLogsTable, "instance" | "time_ns" | "ordinal">,
): boolean {
  const seen = cursor.get(instance);
  return seen === undefined || time_ns > seen.timeNs || time_ns === seen.timeNs && ordinal > seen.ordinal;
}

/** Deletes all but about the newest `keep` lines; lines with the same time stay or go together. */
export async function trimInstanceLogs(db: Queryable, deploymentId: string, keep: number): Promise<number> {
  const limit = await db.selectFrom("instance_logs").select("time_ns").where(
    "deployment_id",
    "=",
    deploymentId,
  )
    .orderBy("time_ns", "desc").offset(keep).limit(1).executeTakeFirst();
  if (limit === undefined) return 0;
  const { numDeletedRows } = await db.deleteFrom("instance_logs")
    .where("deployment_id", "=", deploymentId).where("time_ns", "<=", limit.time_ns).executeTakeFirst();
  return Number(numDeletedRows);
}

function byTime(a: InstanceLogsTable, b: InstanceLogsTable): number {
  if (a.time_ns !== b.time_ns) return a.time_ns < b.time_ns ? -1 : 1;
  if (a.instance !== b.instance) return a.instance < b.instance ? -1 : 1;
  return a.ordinal - b.ordinal;
}
