/** Ends of the output of instances, for readers that want only later lines. */
import type { Queryable } from "../database.ts";
import { type LogCursor, sourceOf } from "../log_block.ts";

/** The last line of each instance, as a cursor behind every line that is there now. By primary key. */
export async function findLogEnds(db: Queryable, deploymentId: string): Promise<LogCursor> {
  const rows = await db.selectFrom("log_blocks as block")
    .innerJoin(
      db.selectFrom("log_blocks").select(["region", "instance"])
        .select(({ fn }) => fn.max("last_time_ns").as("time_ns"))
        .where("deployment_id", "=", deploymentId).groupBy(["region", "instance"]).as("end"),
      (join) =>
        join.onRef("end.region", "=", "block.region").onRef("end.instance", "=", "block.instance")
          .onRef("end.time_ns", "=", "block.last_time_ns"),
    )
    .select(["block.region", "block.instance", "block.last_time_ns"])
    .select(({ fn }) => fn.max("block.last_ordinal").as("ordinal"))
    .where("block.deployment_id", "=", deploymentId)
    .groupBy(["block.region", "block.instance", "block.last_time_ns"]).execute();
  return new Map(
    rows.map(({ region, instance, last_time_ns: timeNs, ordinal }) => [
      sourceOf({ region, instance }),
      { timeNs, ordinal: Number(ordinal) },
    ]),
  );
}
