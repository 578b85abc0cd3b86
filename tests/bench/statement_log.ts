/** The statements of one connection pool, as MariaDB counts them: rows that each read and wrote, its plan and its time. */
import { sql } from "kysely";
import { z } from "zod";
import type { PrivateMariadb } from "../../pkg/testkit/private_mariadb.ts";
import { type CtrlDatabase, openCtrlDatabase } from "../../svc/ctrl/internal/store/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";

/** Flags of a server whose log of slow statements is a table. No statement is slow until `openLogged` says so. */
export const LOG_FLAGS: readonly string[] = [
  "--slow-query-log=ON",
  "--log-output=TABLE",
  "--long-query-time=1000",
];

/** One statement that ran. */
export interface LoggedStatement {
  readonly text: string;
  /** The text without its values. */
  readonly form: string;
  readonly examined: number;
  readonly affected: number;
  readonly ms: number;
}

const LOGGED = z.array(
  z.object({
    text: z.string(),
    examined: z.coerce.number(),
    affected: z.coerce.number(),
    ms: z.coerce.number(),
  }),
);
const PLAN = z.array(z.object({ table: z.string().nullable(), type: z.string().nullable() }));

/** Opens a database whose statements are logged from now on. One after the other: they share one connection. */
export async function openLogged(server: PrivateMariadb, name: string): Promise<CtrlDatabase> {
  await server.administrate("set global long_query_time = 0");
  try {
    const options = { migrate: false, log: silentLogger() };
    const db = await openCtrlDatabase(server.url(name), options);
    await sql`select 1`.execute(db.kysely);
    return db;
  } finally {
    await server.administrate("set global long_query_time = 1000");
  }
}

/** The statements of the database that were logged so far, without those that opened it. */
export async function listLogged(server: PrivateMariadb, name: string): Promise<readonly LoggedStatement[]> {
  const rows = LOGGED.parse(
    await server.administrate(
      `select convert(sql_text using utf8mb4) as text, rows_examined as examined, rows_affected as affected,
          time_to_sec(query_time) * 1000 as ms from mysql.slow_log where db = '${name}'`,
    ),
  );
  return rows.filter(({ text }) => /^(select .* from (?!migrations)|insert|update|delete)/i.test(text))
    .map((row) => ({ ...row, form: formOf(row.text) }));
}

function formOf(text: string): string {
  return text.replaceAll(/'(?:[^'\\]|\\.|'')*'|\b\d+\b/g, "?").replaceAll(/\(\?(?:, ?\?)+\)/g, "(?)");
}

/** Tables of the statement that are read as a whole, or along a whole index. */
export async function scansOf(db: CtrlDatabase, { text }: LoggedStatement): Promise<readonly string[]> {
  const { rows } = await sql.raw(`explain ${text}`).execute(db.kysely);
  return PLAN.parse(rows).flatMap(({ table, type }) =>
    table !== null && (type === "ALL" || type === "index") ? [table] : []
  );
}

/** One statement of each form: the one that read the most rows. */
export function heaviest(statements: readonly LoggedStatement[]): readonly LoggedStatement[] {
  return [...Map.groupBy(statements, ({ form }) => form).values()].map((same) =>
    same.reduce((most, each) => each.examined > most.examined ? each : most)
  );
}
