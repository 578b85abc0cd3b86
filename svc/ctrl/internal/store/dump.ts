/** All rows of the database, table by table, for a backup. */
import { sql } from "kysely";
import { dialectOf } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";

/** A value of a row as both databases give it. */
export type Cell = string | number | null | Uint8Array;
export type DumpedRow = Readonly<Record<string, Cell>>;

/**
 * Tables that no backup has: they say what processes do at the moment, or which objects are in the store, which may
 * have been deleted since. A client sends again what is missing.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "agents",
  "api_processes",
  "worker_processes",
  "build_slots",
  "chunks",
  "context_packs",
  "contexts",
  "deployment_starts",
  "login_codes",
  "migrations",
  "packs",
  "sessions",
  "silent_regions",
  "state_changes",
  "uploads",
  "write_probes",
]);

const ROWS_PER_READ = 200;

/** The names of the tables that a backup has. */
export async function listDumpedTables(db: Queryable): Promise<readonly string[]> {
  const tables = await db.introspection.getTables();
  return tables.map(({ name }) => name).filter((name) => !LEFT_OUT.has(name) && !name.startsWith("sqlite_"))
    .toSorted();
}

/** All rows of a table in pages, by primary key. Inside one consistent read they are those of one moment. */
export async function* readRows(tx: Tx, table: string): AsyncGenerator<readonly DumpedRow[]> {
  const key = await primaryKeyOf(tx, table);
  let last: DumpedRow | undefined;
  do {
    const after = last === undefined ? sql`1 = 1` : isAfter(key, last);
    const order = sql.join(key.map((column) => sql.ref(column)));
    const { rows } = await sql<DumpedRow>`select * from ${sql.table(table)} where ${after}
      order by ${order} limit ${sql.lit(ROWS_PER_READ)}`.execute(tx);
    if (rows.length > 0) yield rows;
    last = rows.length < ROWS_PER_READ ? undefined : rows.at(-1);
  } while (last !== undefined);
}

/** True when a table has a row. */
export async function hasRows(db: Queryable, table: string): Promise<boolean> {
  const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db);
  return rows.length > 0;
}

/** Rows behind `last` in the order of the key: a row comparison would not use the index on MariaDB. */
function isAfter(key: readonly string[], last: DumpedRow) {
  const alternatives = key.map((column, at) => {
    const equal = key.slice(0, at).map((each) => sql`${sql.ref(each)} = ${last[each]}`);
    return sql`(${sql.join([...equal, sql`${sql.ref(column)} > ${last[column]}`], sql` and `)})`;
  });
  return sql`(${sql.join(alternatives, sql` or `)})`;
}

async function primaryKeyOf(db: Queryable, table: string): Promise<readonly string[]> {
  const ask = dialectOf(db) === "mysql"
    ? sql<{ name: string }>`select column_name as name from information_schema.key_column_usage
        where table_schema = database() and table_name = ${table} and constraint_name = 'PRIMARY'
        order by ordinal_position`
    : sql<{ name: string }>`select name from pragma_table_info(${table}) where pk > 0 order by pk`;
  return (await ask.execute(db)).rows.map(({ name }) => name);
}
