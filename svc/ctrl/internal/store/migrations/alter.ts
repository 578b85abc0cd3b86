/**
 * Changes of tables that exist, for migrations after the first. Each may run again after it was interrupted.
 *
 * On MySQL the tables stay in use meanwhile: each statement names the algorithm that copies no table and takes no lock, and
 * fails where the server has none. It still waits for transactions that have used the table, and all others wait behind
 * it, so it gives up soon and comes again.
 */
import { type Kysely, sql } from "kysely";
import { systemClock } from "../../../../../pkg/clock/mod.ts";
import { dialectOf, isConflict } from "../../../../../pkg/db/mod.ts";
import { retry } from "../../../../../pkg/retry/mod.ts";
import type { Schema } from "../schema.ts";
import { type Column, keyName } from "./table.ts";

/** The time in which statements of others may wait behind a change. */
const LOCK_SECONDS = 2;
const TRIES = { attemptsMax: 60, firstMs: 500, maxMs: 5_000 };

/** Adds columns that an earlier migration's table lacks; existing ones are left alone. */
export async function addColumns(
  db: Kysely<Schema>,
  table: string,
  columns: Readonly<Record<string, Column>>,
): Promise<void> {
  const mysql = dialectOf(db) === "mysql";
  const { rows } = mysql
    ? await sql<{ name: string }>`select column_name as name from information_schema.columns
        where table_schema = database() and table_name = ${table}`.execute(db)
    : await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(db);
  const known = new Set(rows.map(({ name }) => name));
  for (const [name, column] of Object.entries(columns)) {
    if (known.has(name)) continue;
    const text = `alter table ${table} add column ${name} ${mysql ? column.mysql : column.sqlite}`;
    await change(db, text, ", algorithm = instant");
  }
}

/** Adds an index that an earlier migration's table lacks. */
export async function addIndex(db: Kysely<Schema>, table: string, columns: readonly string[]): Promise<void> {
  await addKey(db, "index", { table, columns });
}

/** The same for an index that holds each combination once; those with a null do not count. */
export async function addUniqueIndex(
  db: Kysely<Schema>,
  table: string,
  columns: readonly string[],
): Promise<void> {
  await addKey(db, "unique index", { table, columns });
}

async function addKey(
  db: Kysely<Schema>,
  kind: "index" | "unique index",
  { table, columns }: { readonly table: string; readonly columns: readonly string[] },
): Promise<void> {
  const name = keyName({ name: table }, columns);
  if (dialectOf(db) === "mysql") {
    const { rows } = await sql`select 1 from information_schema.statistics
      where table_schema = database() and table_name = ${table} and index_name = ${name}`.execute(db);
    if (rows.length > 0) return;
  }
  const guard = dialectOf(db) === "mysql" ? "" : "if not exists ";
  const text = `create ${kind} ${guard}${name} on ${table} (${columns.join(", ")})`;
  await change(db, text, " algorithm = inplace lock = none");
}

/** Runs the change; `online` is how MySQL is to do it. */
async function change(db: Kysely<Schema>, text: string, online: string): Promise<void> {
  if (dialectOf(db) !== "mysql") return void await sql.raw(text).execute(db);
  await sql`set session lock_wait_timeout = ${LOCK_SECONDS}`.execute(db);
  await retry(() => sql.raw(`${text}${online}`).execute(db), {
    ...TRIES,
    clock: systemClock(),
    retryable: isConflict,
  });
}
