/** Writes `create table` for both databases from one description. */
import { type Kysely, sql } from "kysely";
import { dialectOf } from "../../../../../pkg/db/mod.ts";
import type { Schema } from "../schema.ts";

/** One column: its type on each database. */
export interface Column {
  readonly mysql: string;
  readonly sqlite: string;
}

/** One table. A column is not null unless it says otherwise. */
export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly primaryKey: readonly string[];
  readonly uniques?: readonly (readonly string[])[];
  readonly indices?: readonly (readonly string[])[];
}

const MYSQL_NAME_MAX = 64;

/** Text of at most `length` characters, compared bytewise. */
export function text(length: number): Column {
  return { mysql: `varchar(${length}) not null`, sqlite: "text not null" };
}

/** The same, or nothing. */
export function textOrNull(length: number): Column {
  return { mysql: `varchar(${length}) null`, sqlite: "text null" };
}

/** Text up to 16 MiB, which no index can hold. */
export function longText(): Column {
  return { mysql: "mediumtext not null", sqlite: "text not null" };
}

/** The same, or nothing. */
export function longTextOrNull(): Column {
  return { mysql: "mediumtext null", sqlite: "text null" };
}

/** Bytes up to 16 MiB. */
export function bytes(): Column {
  return { mysql: "mediumblob not null", sqlite: "blob not null" };
}

/** The same, or nothing. */
export function bytesOrNull(): Column {
  return { mysql: "mediumblob null", sqlite: "blob null" };
}

/** A 64-bit integer. */
export function integer(): Column {
  return { mysql: "bigint not null", sqlite: "integer not null" };
}

/** The same, or nothing. */
export function integerOrNull(): Column {
  return { mysql: "bigint null", sqlite: "integer null" };
}

/** The same, 0 by default: rows from before the column have 0. */
export function integerOrZero(): Column {
  return { mysql: "bigint not null default 0", sqlite: "integer not null default 0" };
}

/** Creates the table and its indices. What exists already is left alone, so an interrupted migration can run again. */
export async function createTable(db: Kysely<Schema>, table: Table): Promise<void> {
  const mysql = dialectOf(db) === "mysql";
  const parts = Object.entries(table.columns).map(([name, column]) =>
    `${name} ${mysql ? column.mysql : column.sqlite}`
  );
  parts.push(`primary key (${table.primaryKey.join(", ")})`);
  const { uniques = [], indices = [] } = table;
  if (mysql) {
    for (const columns of uniques) {
      parts.push(`unique key ${keyName(table, columns)} (${columns.join(", ")})`);
    }
    for (const columns of indices) parts.push(`key ${keyName(table, columns)} (${columns.join(", ")})`);
  }
  const ending = mysql ? "engine = innodb default charset = utf8mb4 collate = utf8mb4_bin" : "strict";
  await sql.raw(`create table if not exists ${table.name} (${parts.join(", ")}) ${ending}`).execute(db);
  if (mysql) return;
  for (const columns of uniques) await createIndex(db, "unique index", table, columns);
  for (const columns of indices) await createIndex(db, "index", table, columns);
}

async function createIndex(
  db: Kysely<Schema>,
  kind: string,
  table: Table,
  columns: readonly string[],
): Promise<void> {
  const name = keyName(table, columns);
  await sql.raw(`create ${kind} if not exists ${name} on ${table.name} (${columns.join(", ")})`).execute(db);
}

export function keyName(table: Pick<Table, "name">, columns: readonly string[]): string {
  return `${table.name}_${columns.join("_")}`.slice(0, MYSQL_NAME_MAX);
}
