/** Names of the statements about positions in the log of changes, which differ between MySQL and MariaDB. */
import { type Kysely, sql } from "kysely";

/** Both kinds of server give 0 when a wait has reached the position. */
export interface Positions {
  /** The primary's variable: all that is committed. */
  readonly variable: "@@gtid_binlog_pos" | "@@global.gtid_executed";
  /** The replica's function: position, and seconds to wait. */
  readonly wait: "master_gtid_wait" | "wait_for_executed_gtid_set";
}

const MARIADB: Positions = { variable: "@@gtid_binlog_pos", wait: "master_gtid_wait" };
const MYSQL: Positions = { variable: "@@global.gtid_executed", wait: "wait_for_executed_gtid_set" };

export async function positionsOf<S>(db: Kysely<S>): Promise<Positions> {
  const { rows } = await sql<{ version: string }>`select version() as version`.execute(db);
  return positionsOfVersion(rows[0]?.version ?? "");
}

/** MariaDB names itself in its version. */
export function positionsOfVersion(version: string): Positions {
  return /mariadb/i.test(version) ? MARIADB : MYSQL;
}
