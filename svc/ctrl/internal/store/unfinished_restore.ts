/**
 * The rows of a backup on their way into a database. Until the last of them no program starts there, see
 * `restore_mark.ts`; a restore that another one has taken the database from writes no more rows.
 */
import { sql } from "kysely";
import { dialectOf, transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { assertUsable, changeTables, type CtrlDatabase, type Queryable, type Tx } from "./database.ts";
import { type DumpedRow, hasRows, listDumpedTables } from "./dump.ts";
import { isRestoreMark } from "./restore_mark.ts";

const ROWS_PER_INSERT = 100;

/**
 * Begins a restore: from here on every program refuses the database, until `removeRestoreMark`.
 *
 * @throws `failed_precondition` for a database that has rows, or tables of a newer program
 */
export async function beginRestore(db: CtrlDatabase, mark: string): Promise<void> {
  await changeTables(db, async (only, applied) => {
    const isUnfinished = applied.some(isRestoreMark);
    if (!isUnfinished) {
      assertUsable(applied);
      await assertNoRows(only);
    }
    await sql`insert into migrations (name) values (${mark})`.execute(only);
    // All that it has is of a restore that broke off.
    if (isUnfinished) await dropAllBut(only, mark);
  });
}

/**
 * Writes rows into a table that has none of them, as the restore of `mark`.
 *
 * @throws `failed_precondition` when another restore has begun
 */
export async function insertRows(
  db: CtrlDatabase,
  { table, rows, mark }: {
    readonly table: string;
    readonly rows: readonly DumpedRow[];
    readonly mark: string;
  },
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
    const page = rows.slice(start, start + ROWS_PER_INSERT);
    const columns = Object.keys(page[0] ?? {});
    const values = page.map((row) => sql`(${sql.join(columns.map((column) => row[column] ?? null))})`);
    await transact(db, async (tx) => {
      await holdRestoreMark(tx, mark);
      await sql`insert into ${sql.table(table)} (${
        sql.join(columns.map((column) => sql.ref(column)))
      }) values ${sql.join(values)}`.execute(tx);
    });
  }
}

/**
 * Keeps the mark until the transaction ends.
 *
 * @throws `failed_precondition` when another restore has taken the database
 */
export async function holdRestoreMark(tx: Tx, mark: string): Promise<void> {
  const lock = dialectOf(tx) === "mysql" ? sql`for update` : sql``;
  const { rows } = await sql`select name from migrations where name = ${mark} ${lock}`.execute(tx);
  if (rows.length > 0) return;
  throw publicFault(
    "failed_precondition",
    "Another restore into this database has begun, and this one has ended. Let one of them run.",
  );
}

/** The last statement of a restore: programs may start from here on. */
export async function removeRestoreMark(tx: Tx, mark: string): Promise<void> {
  await holdRestoreMark(tx, mark);
  await sql`delete from migrations where name = ${mark}`.execute(tx);
}

async function dropAllBut(db: Queryable, mark: string): Promise<void> {
  await sql`delete from migrations where name <> ${mark}`.execute(db);
  for (const { name, isView } of await db.introspection.getTables()) {
    if (isView || name === "migrations" || name.startsWith("sqlite_")) continue;
    await sql`drop table ${sql.table(name)}`.execute(db);
  }
}

async function assertNoRows(db: Queryable): Promise<void> {
  for (const name of await listDumpedTables(db)) {
    if (!await hasRows(db, name)) continue;
    throw publicFault(
      "failed_precondition",
      `The database has rows already (in ${name}). Restore into an empty one; keep this one until you are sure.`,
    );
  }
}
