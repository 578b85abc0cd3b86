/** The only ways to open a transaction. */
import type { Transaction } from "kysely";
import { retry } from "../retry/mod.ts";
import { isConflict } from "./errors.ts";
import type { Database } from "./open.ts";

const CONFLICTS = { attemptsMax: 16, firstMs: 10, maxMs: 500 };

/**
 * Runs `fn` in one transaction and commits what it wrote, or nothing.
 *
 * `fn` runs again when the transaction lost against another one (deadlock, lock wait, locked file), so it must do
 * nothing but SQL and pure computation. Everything it throws rolls back. On SQLite writers take turns, on MySQL the
 * isolation is READ COMMITTED: a decision by a read row locks it first (`lockRows`, or an update).
 *
 * @throws `unavailable` when the conflicts do not end or the connection is lost (then a commit may or may not have
 * happened); `already_exists` for a broken unique key
 */
export function transact<S, T>(db: Database<S>, fn: (tx: Transaction<S>) => Promise<T>): Promise<T> {
  return retry(
    () => db.kysely.transaction().execute((tx) => db.scope.run(() => fn(tx))),
    { ...CONFLICTS, clock: db.clock, retryable: isConflict },
  );
}

/**
 * Runs `fn` over one unchanging state of the database: all its reads see the same moment, and no writer waits for it.
 *
 * A SQLite database in memory is the exception: there it takes its turn among the writers.
 */
export function readConsistently<S, T>(db: Database<S>, fn: (tx: Transaction<S>) => Promise<T>): Promise<T> {
  return retry(
    () => db.kysely.transaction().setAccessMode("read only").execute((tx) => db.scope.run(() => fn(tx))),
    { ...CONFLICTS, clock: db.clock, retryable: isConflict },
  );
}
