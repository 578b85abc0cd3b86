/** Ends of the output of instances, for readers that want only later lines. */
import type { Queryable } from "../database.ts";
import type { LogCursor } from "../instance_logs.ts";

/** The last line of each instance, as a cursor behind every line that is there now. By primary key. */
export async function findLogEnds(db: Queryable, deploymentId: string): Promise<LogCursor> {
  const rows = await db.selectFrom("instance_logs as line")
    .innerJoin(
      db.selectFrom("instance_logs").select("instance")
        .select(({ fn }) => fn.max("time_ns").as("time_ns"))
        .where("deployment_id", "=", deploymentId).groupBy("instance").as("end"),
      (join) => join.onRef("end.instance", "=", "line.instance").onRef("end.time_ns", "=", "line.time_ns"),
    )
    .select(["line.instance", "line.time_ns"])
    .select(({ fn }) => fn.max("line.ordinal").as("ordinal"))
    .where("line.deployment_id", "=", deploymentId)
    .groupBy(["line.instance", "line.time_ns"]).execute();
  return new Map(
    rows.map(({ instance, time_ns: timeNs, ordinal }) => [instance, { timeNs, ordinal: Number(ordinal) }]),
  );
}
