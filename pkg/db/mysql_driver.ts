/** Kysely's dialect over mysql2. Loaded only when a MySQL URL is opened. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import { createPool, type Pool, type PoolConnection, type PoolOptions } from "mysql2";
import { Fault } from "../fault/mod.ts";
import { mysqlFault } from "./errors.ts";
import { isPrepared } from "./prepared.ts";
import type { PoolReader } from "./metrics.ts";
import type { MysqlAddress } from "./url.ts";
import type { TransactionScope } from "./scope.ts";

export interface MysqlOptions {
  readonly address: MysqlAddress;
  readonly scope: TransactionScope;
  readonly pool: PoolReader;
  /** Authorities to trust for the server's certificate, in PEM, instead of the machine's. */
  readonly authorities?: string;
  readonly connectionsMax: number;
  /** A connection without use for so long is closed. */
  readonly idleMsMax: number;
  /** Statements that wait for a connection at once. */
  readonly waitingMax: number;
  /** The longest time that a statement may wait for a connection, and a new connection for the server. */
  readonly waitMsMax: number;
  readonly connectMsMax: number;
  readonly queryMsMax: number;
}

const LOCK_WAIT_SECONDS = 10;
const SESSION = [
  "set session transaction isolation level read committed",
  "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', " +
  `time_zone = '+00:00', group_concat_max_len = 65535, innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
];

/** The dialect for one MySQL-compatible server. */
export function mysqlDialect(options: MysqlOptions): Dialect {
  return {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new MysqlDriver(options),
    createIntrospector: (db) => new MysqlIntrospector(db),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  };
}

/** Many more than there are texts; see `prepared`. */
const PREPARED_MAX = 128;

class MysqlDriver implements Driver {
  readonly #options: MysqlOptions;
  readonly #ready = new WeakSet<PoolConnection>();
  #pool: Pool | undefined;
  #used = 0;
  #waiting = 0;

  constructor(options: MysqlOptions) {
    this.#options = options;
  }

  init(): Promise<void> {
    const { address, connectionsMax, connectMsMax, idleMsMax, waitingMax, pool } = this.#options;
    pool.read = () => ({ used: this.#used, waiting: this.#waiting, max: connectionsMax });
    this.#pool = createPool({
      ...(address.socketPath === undefined
        ? { host: address.host, port: address.port }
        : { socketPath: address.socketPath }),
      user: address.user,
      password: address.password.reveal(),
      database: address.database,
      ...tlsOptions(this.#options),
      charset: "UTF8MB4_BIN",
      connectTimeout: connectMsMax,
      connectionLimit: connectionsMax,
      // Only with a bound below the other one does the driver look at the time at all.
      maxIdle: connectionsMax - 1,
      idleTimeout: idleMsMax,
      queueLimit: waitingMax,
      enableKeepAlive: true,
      // The driver has room for all of them from the beginning: 500 KiB a connection with its own bound of 16,000.
      maxPreparedStatements: PREPARED_MAX,
      // Integers as numbers, decimals too (sums); nothing is a date here.
      supportBigNumbers: true,
      bigNumberStrings: false,
      decimalNumbers: true,
      dateStrings: true,
    });
    return Promise.resolve();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#options.scope.assertOutside();
    this.#waiting++;
    const raw = await this.#connect().finally(() => this.#waiting--);
    this.#used++;
    const connection = new MysqlConnection(raw, this.#options.queryMsMax);
    if (this.#ready.has(raw)) return connection;
    try {
      for (const statement of SESSION) await connection.run(statement, []);
    } catch (error) {
      raw.destroy();
      this.#used--;
      throw error;
    }
    this.#ready.add(raw);
    return connection;
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const own = mysqlConnection(connection);
    if (settings.accessMode === "read only") {
      // The snapshot is taken here, not at the first read, so that everything read belongs to one moment.
      await own.run("set transaction isolation level repeatable read", []);
      await own.run("start transaction with consistent snapshot, read only", []);
      return;
    }
    await own.run("start transaction", []);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await mysqlConnection(connection).run("commit", []);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const own = mysqlConnection(connection);
    try {
      await own.run("rollback", []);
    } catch {
      // The server undoes what a lost connection leaves behind; the reason for the rollback matters more.
      own.raw.destroy();
    }
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    mysqlConnection(connection).raw.release();
    this.#used--;
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    if (pool === undefined) return;
    await new Promise<void>((resolve) => pool.end(() => resolve()));
  }

  #connect(): Promise<PoolConnection> {
    const { waitMsMax } = this.#options;
    const pool = this.#pool;
    if (pool === undefined) return Promise.reject(new Fault("unavailable", "the database is closed"));
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        reject(
          new Fault("unavailable", `no MySQL connection became free within ${waitMsMax} ms`, {
            publicMessage: "The database is busy. Nothing was changed; try again in a few seconds.",
          }),
        );
      }, waitMsMax);
      pool.getConnection((error, connection) => {
        clearTimeout(timer);
        if (error !== null) return late ? undefined : reject(mysqlFault(error));
        if (late) return connection.release();
        resolve(connection);
      });
    });
  }
}

function tlsOptions({ address, authorities }: MysqlOptions): Pick<PoolOptions, "ssl"> {
  if (address.tls === "off") return {};
  return {
    ssl: {
      rejectUnauthorized: address.tls === "verified",
      verifyIdentity: address.tls === "verified",
      ...(authorities === undefined ? {} : { ca: authorities }),
    },
  };
}

/** One borrowed connection. It is destroyed, not given back, once its state is unknown. */
class MysqlConnection implements DatabaseConnection {
  readonly raw: PoolConnection;
  readonly #queryMsMax: number;

  constructor(raw: PoolConnection, queryMsMax: number) {
    this.raw = raw;
    this.#queryMsMax = queryMsMax;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const answer = await this.run(query.sql, query.parameters, isPrepared(query) ? "execute" : "query");
    // mysql2 gives an array of rows for everything that selects, and a header for everything else.
    if (Array.isArray(answer)) return { rows: answer as R[] };
    const { affectedRows, insertId } = header(answer);
    return { rows: [], numAffectedRows: BigInt(affectedRows), insertId: BigInt(insertId) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  run(sql: string, parameters: readonly unknown[], how: "query" | "execute" = "query"): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const limitMs = this.#queryMsMax;
      // The client's own limit leaves out the time in which the server prepares a statement.
      const timer = setTimeout(() => {
        this.raw.destroy();
        reject(mysqlFault(new Error(`no answer within ${limitMs} ms`)));
      }, limitMs);
      this.raw[how]({ sql, values: [...parameters] }, (error, answer) => {
        clearTimeout(timer);
        if (error === null) return resolve(answer);
        if (error.fatal) this.raw.destroy();
        reject(mysqlFault(error));
      });
    });
  }
}

function mysqlConnection(connection: DatabaseConnection): MysqlConnection {
  if (connection instanceof MysqlConnection) return connection;
  throw new Fault("internal", "a connection of another driver was handed to the MySQL driver");
}

function header(answer: unknown): { affectedRows: number; insertId: number } {
  const known = typeof answer === "object" && answer !== null && "affectedRows" in answer &&
    "insertId" in answer;
  return known
    ? { affectedRows: Number(answer.affectedRows), insertId: Number(answer.insertId) }
    : { affectedRows: 0, insertId: 0 };
}
