/** Where the output of instances ends, for readers that want only what comes after. */
import type { Queryable } from "./database.ts";
import type { LogCursor } from "./instance_logs.ts";

/** Behind every line of its time. */
const ORDINAL_MAX = 2_147_483_647;

/** A cursor behind every line that is there now. By primary key. */
export async function findLogEnds(db: Queryable, deploymentId: string): Promise<LogCursor> {
  const rows = await db.selectFrom("instance_logs").select("instance")
    .select(({ fn }) => fn.max("time_ns").as("time_ns"))
    .where("deployment_id", "=", deploymentId).groupBy("instance").execute();
  return new Map(rows.map(({ instance, time_ns }) => [instance, { timeNs: time_ns, ordinal: ORDINAL_MAX }]));
}
