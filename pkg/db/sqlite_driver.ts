/** Kysely's dialect over `node:sqlite`. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from "kysely";
import { type Permit, Semaphore } from "../async/mod.ts";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { keepFilePrivate } from "../files/mod.ts";
import { retry } from "../retry/mod.ts";
import { isConflict } from "./errors.ts";
import type { PoolReader } from "./metrics.ts";
import type { TransactionScope } from "./scope.ts";
import { SqliteHandle } from "./sqlite_handle.ts";

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly clock: Clock;
  readonly scope: TransactionScope;
  readonly pool: PoolReader;
  /** The longest time that a statement may wait for its turn. */
  readonly waitMsMax: number;
}

const READERS_MAX = 8;
/** Ends a timer. Without a reason, an abort makes an error with a stack. */
const DONE = Symbol("done");
/** Another process holds the file's write lock: about four seconds in all. */
const BUSY = { attemptsMax: 24, firstMs: 5, maxMs: 250 };

/** The dialect for one file or one database in memory. */
export function sqliteDialect(options: SqliteOptions): Dialect {
  return {
    createAdapter: () => new SharedSqliteAdapter(),
    createDriver: () => new SqliteDriver(options),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Tells Kysely not to hand out one connection at a time: this driver lets readers pass. */
class SharedSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/**
 * One connection writes, and a lock hands it out: a transaction holds it from begin to commit, over all its awaits.
 *
 * In a file, reads outside of transactions have a connection of their own, and read-only transactions one each, so no
 * reader waits for a writer. A database in memory has one connection only, and there all statements take turns.
 */
class SqliteDriver implements Driver {
  readonly #options: SqliteOptions;
  readonly #writing = new Semaphore({ permits: 1 });
  readonly #reading = new Semaphore({ permits: READERS_MAX });
  readonly #idleReaders: SqliteHandle[] = [];
  #writer: SqliteHandle | undefined;
  #reader: SqliteHandle | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async init(): Promise<void> {
    const { path, pool } = this.#options;
    const [writing, reading] = [this.#writing, this.#reading];
    pool.read = () => ({
      used: writing.running + reading.running,
      waiting: writing.waiting + reading.waiting,
      max: 1 + READERS_MAX,
    });
    this.#writer = new SqliteHandle(path, { readOnly: false });
    if (this.#inMemory) return;
    this.#reader = new SqliteHandle(path, { readOnly: true });
    // The other two have the file's rights when they are made, and may be older than this rule.
    for (const each of [path, `${path}-wal`, `${path}-shm`]) {
      if (await Deno.stat(each).then(() => true, () => false)) await keepFilePrivate(each);
    }
  }

  acquireConnection(): Promise<DatabaseConnection> {
    this.#options.scope.assertOutside();
    return Promise.resolve(new SqliteConnection(this));
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return sqliteConnection(connection).begin(settings.accessMode === "read only");
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return sqliteConnection(connection).end("commit");
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return sqliteConnection(connection).end("rollback");
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    sqliteConnection(connection).abandon();
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    for (const handle of [this.#writer, this.#reader, ...this.#idleReaders]) handle?.close();
    this.#writer = undefined;
    this.#reader = undefined;
    this.#idleReaders.length = 0;
    return Promise.resolve();
  }

  /** Runs a statement by itself. */
  async alone<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#reader !== undefined && isRead(query)) {
      return this.#reader.query<R>(query.sql, query.parameters);
    }
    using _permit = this.#writing.tryAcquire() ?? await this.#turn(this.#writing);
    return await this.#unlessBusy(() => this.#open(this.#writer).query<R>(query.sql, query.parameters));
  }

  /** Takes the connection that writes and opens a transaction on it. */
  async beginWriting(): Promise<OpenTransaction> {
    const permit = await this.#turn(this.#writing);
    try {
      const handle = this.#open(this.#writer);
      await this.#unlessBusy(() => handle.query("begin immediate", []));
      return { handle, release: () => permit.release() };
    } catch (error) {
      permit.release();
      throw error;
    }
  }

  /** Opens a transaction that sees one state of the database and stops no writer. */
  async beginReading(): Promise<OpenTransaction> {
    if (this.#inMemory) return await this.beginWriting();
    const permit = await this.#turn(this.#reading);
    try {
      this.#open(this.#reader);
      const handle = this.#idleReaders.pop() ?? new SqliteHandle(this.#options.path, { readOnly: true });
      handle.query("begin", []);
      const release = (): void => {
        // Closed meanwhile: it will not be reused.
        if (this.#reader === undefined) handle.close();
        else this.#idleReaders.push(handle);
        permit.release();
      };
      return { handle, release };
    } catch (error) {
      permit.release();
      throw error;
    }
  }

  /** Waits for a permit, but not for ever. */
  async #turn(semaphore: Semaphore): Promise<Permit> {
    const { clock, waitMsMax } = this.#options;
    const free = semaphore.tryAcquire();
    if (free !== undefined) return free;
    const fault = (): Fault =>
      new Fault("unavailable", `no connection became free within ${waitMsMax} ms`, {
        publicMessage: "The database is busy. Nothing was changed; try again in a few seconds.",
      });
    const late = new AbortController();
    const done = new AbortController();
    clock.sleep(waitMsMax, done.signal).then(() => late.abort(fault()), () => undefined);
    try {
      return await semaphore.acquire(late.signal);
    } finally {
      done.abort(DONE);
    }
  }

  get #inMemory(): boolean {
    return this.#options.path === ":memory:";
  }

  #open(handle: SqliteHandle | undefined): SqliteHandle {
    if (handle === undefined) throw new Fault("unavailable", "the database is closed");
    return handle;
  }

  /** A statement that found the file locked has done nothing, so it can be repeated. */
  #unlessBusy<T>(action: () => T): Promise<T> {
    return retry(() => Promise.resolve().then(action), {
      ...BUSY,
      clock: this.#options.clock,
      retryable: isConflict,
    });
  }
}

interface OpenTransaction {
  readonly handle: SqliteHandle;
  readonly release: () => void;
}

/** A connection for Kysely: outside of a transaction a door to the shared ones, inside it owns one. */
class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteDriver;
  #transaction: OpenTransaction | undefined;

  constructor(driver: SqliteDriver) {
    this.#driver = driver;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#transaction === undefined) return await this.#driver.alone<R>(query);
    return this.#transaction.handle.query<R>(query.sql, query.parameters);
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  async begin(readOnly: boolean): Promise<void> {
    this.#transaction = readOnly ? await this.#driver.beginReading() : await this.#driver.beginWriting();
  }

  /** Ends the transaction. A failed commit is rolled back and reported; a failed rollback has nothing left to undo. */
  end(how: "commit" | "rollback"): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return Promise.resolve();
    if (how === "commit") {
      try {
        transaction.handle.query("commit", []);
      } catch (error) {
        this.abandon();
        return Promise.reject(error);
      }
      this.#transaction = undefined;
      transaction.release();
      return Promise.resolve();
    }
    this.abandon();
    return Promise.resolve();
  }

  /** Rolls back an open transaction and gives the connection back. */
  abandon(): void {
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    this.#transaction = undefined;
    try {
      transaction.handle.query("rollback", []);
    } catch {
      // SQLite rolls back by itself on some errors and then knows no transaction any more.
    } finally {
      transaction.release();
    }
  }
}

function sqliteConnection(connection: DatabaseConnection): SqliteConnection {
  if (connection instanceof SqliteConnection) return connection;
  throw new Fault("internal", "a connection of another driver was handed to the SQLite driver");
}

function isRead(query: CompiledQuery): boolean {
  return query.query.kind === "SelectQueryNode" || /^\s*select\b/i.test(query.sql);
}
