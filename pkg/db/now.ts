import { type Kysely, sql, type Transaction } from "kysely";
import { dialectOf } from "./statements.ts";

/** The database's own time in milliseconds, which is one clock for all processes. */
export async function databaseNow<S>(db: Kysely<S> | Transaction<S>): Promise<number> {
  const now = dialectOf(db) === "mysql"
    ? sql<{ now_ms: number }>`select cast(floor(unix_timestamp(now(3)) * 1000) as signed) as now_ms`
    : sql<{ now_ms: number }>`select cast(unixepoch('subsec') * 1000 as integer) as now_ms`;
  return Number((await now.execute(db)).rows[0]?.now_ms);
}
