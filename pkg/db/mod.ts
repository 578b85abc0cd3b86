/**
 * SQL through Kysely, on MySQL or on SQLite, with one way to open a transaction and one kind of error.
 *
 * ```ts
 * const db = await openDatabase<Schema>(new Secret("sqlite:///var/lib/unkey/unkey.db"));
 * const row = await db.kysely.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst();
 * await transact(db, async (tx) => {
 *   await tx.updateTable("projects").set({ name }).where("id", "=", id).execute();
 * });
 * await db.close();
 * ```
 *
 * Errors of drivers leave this package as a `Fault`: `already_exists` for a broken unique key, `unavailable` for
 * everything that time heals (deadlock, lock wait, lost connection), `internal` for a statement that is wrong. No text
 * holds a password, a URL or a statement's values.
 *
 * Both databases hold integers as 64 bits; they come back as numbers and must stay below 2^53. Inside a transaction the
 * database itself is out of reach: using it there would wait for the transaction that waits for it, so it is refused.
 *
 * @module
 */
export { type Database, type DatabaseOptions, type Dialect, openDatabase } from "./open.ts";
export { DATABASE_METRICS } from "./metrics.ts";
export { withReplica } from "./replica.ts";
export { isConflict } from "./errors.ts";
export { databaseEndpoint, type MysqlAddress, parseDatabaseUrl, type SqliteAddress } from "./url.ts";
export { ping } from "./health.ts";
export { DatabaseClock } from "./database_clock.ts";
export { databaseNow } from "./now.ts";
export { readConsistently, transact } from "./transact.ts";
export { dialectOf, insertIgnore, lockRows, upsert } from "./statements.ts";
export { prepared } from "./prepared.ts";
