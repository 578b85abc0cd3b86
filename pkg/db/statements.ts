/** Statements that the two dialects write differently. */
import {
  type Insertable,
  type Kysely,
  MysqlAdapter,
  type QueryExecutorProvider,
  type RawBuilder,
  sql,
  type Transaction,
} from "kysely";
import { Fault } from "../fault/mod.ts";
import type { Dialect } from "./open.ts";

/** The dialect behind a database or transaction. */
export function dialectOf(db: QueryExecutorProvider): Dialect {
  return db.getExecutor().adapter instanceof MysqlAdapter ? "mysql" : "sqlite";
}

/** Locks the rows that `query` reads until the transaction ends. SQLite has one writer, so there it changes nothing. */
export function lockRows<Q extends { forUpdate(): Q }>(db: QueryExecutorProvider, query: Q): Q {
  return dialectOf(db) === "mysql" ? query.forUpdate() : query;
}

/**
 * Inserts the rows whose key is free and leaves the others as they are. Any other problem still throws.
 *
 * @param key the columns of one unique key
 */
export async function insertIgnore<S, T extends keyof S & string>(
  db: Kysely<S> | Transaction<S>,
  table: T,
  rows: readonly Insertable<S[T]>[],
  key: readonly (keyof S[T] & string)[],
): Promise<void> {
  if (key.length === 0) throw new Fault("internal", `an insert into ${table} names no key`);
  if (dialectOf(db) !== "mysql") {
    return await insertRows(db, table, rows, { ending: sql`on conflict (${columns(key)}) do nothing` });
  }
  // Not "insert ignore", which would also swallow values that do not fit. Vitess takes no update of a column that decides
  // about the shard, even to its own value: the last column is none, unless there are only key columns.
  const last = Object.keys(rows[0] ?? {}).findLast((name) => !key.some((each) => each === name));
  if (last === undefined) return await insertRows(db, table, rows, { ignore: true });
  const ending = sql`on duplicate key update ${sql.ref(last)} = ${sql.ref(`${table}.${last}`)}`;
  await insertRows(db, table, rows, { ending });
}

/**
 * Inserts rows, or overwrites `update` of those whose key exists.
 *
 * On MySQL any unique key of the table counts as a conflict, so use it where only `key` can collide.
 */
export async function upsert<S, T extends keyof S & string>(
  db: Kysely<S> | Transaction<S>,
  table: T,
  rows: readonly Insertable<S[T]>[],
  options: {
    readonly key: readonly (keyof S[T] & string)[];
    readonly update: readonly (keyof S[T] & string)[];
  },
): Promise<void> {
  const ending = dialectOf(db) === "mysql"
    ? sql`on duplicate key update ${
      sql.join(options.update.map((name) => sql`${sql.ref(name)} = values(${sql.ref(name)})`))
    }`
    : sql`on conflict (${columns(options.key)}) do update set ${
      sql.join(options.update.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`))
    }`;
  await insertRows(db, table, rows, { ending });
}

async function insertRows<S, T extends keyof S & string>(
  db: Kysely<S> | Transaction<S>,
  table: T,
  rows: readonly Insertable<S[T]>[],
  { ignore = false, ending = sql`` }: {
    readonly ignore?: boolean;
    readonly ending?: RawBuilder<unknown>;
  },
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(first);
  // SQLite takes 32,766 parameters and a statement should stay a small packet.
  const size = Math.max(1, Math.floor(PARAMETERS_MAX / names.length));
  for (let start = 0; start < rows.length; start += size) {
    const values = rows.slice(start, start + size).map((row) => {
      const cells = new Map<string, unknown>(Object.entries(row));
      return sql`(${sql.join(names.map((name) => cells.get(name) ?? null))})`;
    });
    const verb = ignore ? sql`insert ignore into` : sql`insert into`;
    await sql`${verb} ${sql.table(table)} (${columns(names)}) values ${sql.join(values)} ${ending}`
      .execute(db);
  }
}

const PARAMETERS_MAX = 5_000;

function columns(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(name)));
}
