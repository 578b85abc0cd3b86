/** Opens the control plane's database and brings its tables up to date. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Secret } from "../../../../pkg/config/mod.ts";
import {
  type Database,
  type DatabaseOptions,
  openDatabase,
  transact,
  withReplica,
} from "../../../../pkg/db/mod.ts";
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Migration, unusableAfter } from "./migrations/migration.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { assertRestored } from "./restore_mark.ts";
import type { Schema } from "./schema.ts";

export type CtrlDatabase = Database<Schema>;
/** The database itself, or an open transaction. */
export type Queryable = Kysely<Schema>;
/** An open transaction, for statements that belong together. */
export type Tx = Transaction<Schema>;

export interface OpenOptions extends DatabaseOptions {
  /** True: run missing migrations. False: refuse to start when one is missing. */
  readonly migrate: boolean;
  /** A replica of the same database, for `read`. */
  readonly replica?: Secret;
  readonly log: Logger;
}

/** The migrations of a restore. */
export interface RestoreMigrations {
  /** The only ones to run; without them, all. */
  readonly wanted?: readonly string[];
  /** The mark of the restore. */
  readonly mark: string;
}

/** An index of a table with 10 million rows takes minutes; the tables are in use meanwhile. */
export const MIGRATION_MS_MAX = 6 * 3_600_000;

const LOCK_SECONDS = 60;
const MYSQL_LOCK = "unkey_ctrl_migrate";

/**
 * Opens the database at `url`.
 *
 * @throws `unavailable` when it cannot be reached; `failed_precondition` when it refuses the user, when a newer program
 * has removed what this one needs, or when tables are missing and `migrate` is off
 */
export async function openCtrlDatabase(url: Secret, options: OpenOptions): Promise<CtrlDatabase> {
  const { migrate, replica, log, ...bounds } = options;
  const db = await openDatabase<Schema>(url, bounds);
  try {
    if (migrate) await migrateAtStart(url, db, options);
    else await assertMigrated(db);
    if (replica === undefined) return db;
    return withReplica({
      primary: db,
      // The numbers are those of the primary.
      replica: await openDatabase<Schema>(replica, { ...bounds, metrics: undefined }),
      clock: db.clock,
      log,
    });
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** On MySQL through a connection of its own, because a migration may take far longer than any other statement. */
async function migrateAtStart(url: Secret, db: CtrlDatabase, options: OpenOptions): Promise<void> {
  if (db.dialect === "sqlite") return void await migrateCtrlDatabase(db, options.log);
  await migrateAt(url, options);
}

/** Opens the database at `url` only to migrate it, see `migrateCtrlDatabase`. */
export async function migrateAt(
  url: Secret,
  { log, authorities, connectMsMax, clock }: Omit<OpenOptions, "migrate">,
  restore?: RestoreMigrations,
): Promise<readonly string[]> {
  const db = await openDatabase<Schema>(url, {
    ...(clock === undefined ? {} : { clock }),
    ...(authorities === undefined ? {} : { authorities }),
    ...(connectMsMax === undefined ? {} : { connectMsMax }),
    connectionsMax: 1,
    queryMsMax: MIGRATION_MS_MAX,
  });
  try {
    return await migrateCtrlDatabase(db, log, restore);
  } finally {
    await db.close();
  }
}

/**
 * Runs the migrations that are missing and returns their names. Several processes may do it at once: one works, the
 * others wait and find nothing left.
 *
 * @throws `failed_precondition` when the tables lack what this program needs, because a newer one has removed it, or
 * because a restore has not ended
 */
export async function migrateCtrlDatabase(
  db: CtrlDatabase,
  log: Logger,
  restore?: RestoreMigrations,
): Promise<readonly string[]> {
  const done = await changeTables(db, (only, applied) => runMissing(only, applied, restore));
  if (done.length > 0) log.info("database migrated", { migrations: done });
  return done;
}

/** Runs `action` with the names of the applied migrations, while no other process changes the tables. */
export async function changeTables<T>(
  db: CtrlDatabase,
  action: (only: Queryable, applied: readonly string[]) => Promise<T>,
): Promise<T> {
  const run = async (only: Queryable): Promise<T> => {
    await sql.raw(HISTORY).execute(only);
    return await action(only, await appliedMigrations(only));
  };
  // SQLite takes schema changes into the transaction, which also keeps other processes out.
  if (db.dialect === "sqlite") return await transact(db, run);
  return await db.kysely.connection().execute((connection) => locked(connection, () => run(connection)));
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

async function runMissing(
  db: Queryable,
  applied: readonly string[],
  restore?: RestoreMigrations,
): Promise<string[]> {
  const done: string[] = [];
  const all = missing(applied, restore?.mark);
  for (const migration of all.filter(({ name }) => restore?.wanted?.includes(name) ?? true)) {
    await migration.up(db);
    await sql`insert into migrations (name) values (${migration.name})`.execute(db);
    done.push(migration.name);
  }
  return done;
}

const HISTORY = "create table if not exists migrations (name varchar(128) not null primary key)";

/** The migrations that a database has, and those that this program would apply. Nothing is changed. */
export async function readHistory(
  db: CtrlDatabase,
): Promise<{ readonly applied: readonly string[]; readonly missing: readonly string[] }> {
  const applied = await appliedMigrations(db.kysely).catch((error: unknown) => {
    // No table of migrations: nothing was ever migrated.
    if (error instanceof Fault && error.code === "internal") return [];
    throw error;
  });
  return { applied, missing: missing(applied).map(({ name }) => name) };
}

/** Those of `names` that this program does not have. */
export function unknownMigrations(names: readonly string[]): readonly string[] {
  return names.filter((name) => !MIGRATIONS.some((each) => each.name === name));
}

async function assertMigrated(db: CtrlDatabase): Promise<void> {
  const [first] = (await readHistory(db)).missing;
  if (first === undefined) return;
  throw publicFault(
    "failed_precondition",
    `The database lacks migration ${first}. Run "unkey ctrl migrate", then start again.`,
  );
}

async function appliedMigrations(db: Queryable): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from migrations`.execute(db);
  return rows.map((row) => row.name);
}

/** Those that this program would apply; `mark` is that of its own restore. */
function missing(applied: readonly string[], mark?: string): readonly Migration[] {
  assertUsable(applied, mark);
  return MIGRATIONS.filter((each) => !applied.includes(each.name));
}

/**
 * Tables that a newer release has added are no obstacle; those that it has removed are, and a restore without an end.
 *
 * @throws `failed_precondition` when this program cannot work with the tables
 */
export function assertUsable(applied: readonly string[], mark?: string): void {
  assertRestored(applied, mark);
  const tooNew = unusableAfter(applied.filter((name) => name !== mark), MIGRATIONS);
  if (tooNew.length > 0) {
    throw publicFault(
      "failed_precondition",
      `The database was migrated by a newer version of unkey (${tooNew.join(", ")}). Upgrade this one.`,
    );
  }
}
