/** Opens the control plane's database and brings its tables up to date. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { type Database, type DatabaseOptions, openDatabase, transact } from "../../../../pkg/db/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Migration } from "./migrations/migration.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import type { Schema } from "./schema.ts";

export type CtrlDatabase = Database<Schema>;
/** The database itself, or an open transaction. */
export type Queryable = Kysely<Schema>;
/** An open transaction, for statements that belong together. */
export type Tx = Transaction<Schema>;

export interface OpenOptions extends DatabaseOptions {
  /** True: run missing migrations. False: refuse to start when one is missing. */
  readonly migrate: boolean;
  readonly log: Logger;
}

const LOCK_SECONDS = 60;
const MYSQL_LOCK = "unkey_ctrl_migrate";

/**
 * Opens the database at `url`.
 *
 * @throws `unavailable` when it cannot be reached; `failed_precondition` when it refuses the user, when its tables are
 * newer than this program, or when they are older and `migrate` is off
 */
export async function openCtrlDatabase(url: Secret, options: OpenOptions): Promise<CtrlDatabase> {
  const { migrate, log, ...bounds } = options;
  const db = await openDatabase<Schema>(url, bounds);
  try {
    if (migrate) await migrateCtrlDatabase(db, log);
    else await assertMigrated(db);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/**
 * Runs the migrations that are missing and returns their names. Several processes may do it at once: one works, the
 * others wait and find nothing left.
 *
 * @throws `failed_precondition` when the tables are newer than this program
 */
export async function migrateCtrlDatabase(db: CtrlDatabase, log: Logger): Promise<readonly string[]> {
  // SQLite takes schema changes into the transaction, which also keeps other processes out.
  const done = db.dialect === "sqlite"
    ? await transact(db, (tx) => runMissing(tx))
    : await db.kysely.connection().execute((connection) => locked(connection, () => runMissing(connection)));
  if (done.length > 0) log.info("database migrated", { migrations: done });
  return done;
}

async function locked<T>(connection: Queryable, action: () => Promise<T>): Promise<T> {
  // The name is the server's, so it holds the database's.
  const name = sql`concat(${MYSQL_LOCK}, '_', left(sha2(database(), 256), 16))`;
  const { rows } = await sql<{ taken: number | null }>`select get_lock(${name}, ${LOCK_SECONDS}) as taken`
    .execute(connection);
  if (rows[0]?.taken !== 1) {
    throw publicFault(
      "unavailable",
      "Another process is still migrating the database. Try again in a minute.",
    );
  }
  try {
    return await action();
  } finally {
    await sql`select release_lock(${name})`.execute(connection);
  }
}

async function runMissing(db: Queryable): Promise<string[]> {
  await sql.raw(HISTORY).execute(db);
  const applied = await appliedMigrations(db);
  const done: string[] = [];
  for (const migration of missing(applied)) {
    await migration.up(db);
    await sql`insert into migrations (name) values (${migration.name})`.execute(db);
    done.push(migration.name);
  }
  return done;
}

const HISTORY = "create table if not exists migrations (name varchar(128) not null primary key)";

async function assertMigrated(db: CtrlDatabase): Promise<void> {
  const applied = await appliedMigrations(db.kysely).catch((error: unknown) => {
    // No table of migrations: nothing was ever migrated.
    if (error instanceof Fault && error.code === "internal") return [];
    throw error;
  });
  const [first] = missing(applied);
  if (first === undefined) return;
  throw publicFault(
    "failed_precondition",
    `The database lacks migration ${first.name}. Run "unkey ctrl migrate", then start again.`,
  );
}

async function appliedMigrations(db: Queryable): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from migrations`.execute(db);
  return rows.map((row) => row.name);
}

function missing(applied: readonly string[]): readonly Migration[] {
  const known = new Set(MIGRATIONS.map((each) => each.name));
  const newer = applied.filter((name) => !known.has(name));
  if (newer.length > 0) {
    throw publicFault(
      "failed_precondition",
      `The database was migrated by a newer version of unkey (${newer.join(", ")}). Upgrade this one.`,
    );
  }
  return MIGRATIONS.filter((each) => !applied.includes(each.name));
}
