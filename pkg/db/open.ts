/** Opens databases by URL. */
import { Kysely } from "kysely";
import { type Clock, systemClock } from "../clock/mod.ts";
import type { Secret } from "../config/mod.ts";
import { type Metrics, NO_METRICS } from "../metrics/mod.ts";
import { type PoolReader, watchDatabase } from "./metrics.ts";
import { TransactionScope } from "./scope.ts";
import { sqliteDialect } from "./sqlite_driver.ts";
import { parseDatabaseUrl } from "./url.ts";

export type Dialect = "mysql" | "sqlite";

/** An open database with the tables of `S`. */
export interface Database<S> {
  /** For single statements. Several that belong together go through `transact`. */
  readonly kysely: Kysely<S>;
  /**
   * For statements that only read and that users wait for, which a replica may answer. They see all that was committed before;
   * `fn` may run twice. Reads that a write depends on go to the database itself.
   */
  read<T>(fn: (db: Kysely<S>) => Promise<T>): Promise<T>;
  readonly dialect: Dialect;
  /** For `transact`. */
  readonly scope: TransactionScope;
  readonly clock: Clock;
  /** Waits for nothing: all users of the database must have ended. */
  close(): Promise<void>;
}

/** Bounds, all with defaults that suit one process of the control plane. */
export interface DatabaseOptions {
  readonly clock?: Clock;
  /** Authorities to trust for the certificate of MySQL, in PEM, instead of the machine's. */
  readonly authorities?: string;
  /** MySQL connections at once. */
  readonly connectionsMax?: number;
  /** A MySQL connection without use for so long is closed. */
  readonly idleMsMax?: number;
  /** Statements that wait for a MySQL connection at once; more are refused. */
  readonly waitingMax?: number;
  /** The longest time that a statement may wait for a free connection. */
  readonly waitMsMax?: number;
  readonly connectMsMax?: number;
  /** The longest time that one statement may take on MySQL before its connection is given up. */
  readonly queryMsMax?: number;
  readonly metrics?: Metrics | undefined;
}

const CONNECTIONS_MAX = 16;
const IDLE_MS_MAX = 60_000;
const WAITING_MAX = 5_000;
const WAIT_MS_MAX = 15_000;
const CONNECT_MS_MAX = 5_000;
const QUERY_MS_MAX = 30_000;

/**
 * Opens the database at `url`. A SQLite file is created if it is missing; MySQL is connected to at the first use.
 *
 * @throws `invalid_argument` for a URL of another form
 */
export async function openDatabase<S>(url: Secret, options: DatabaseOptions = {}): Promise<Database<S>> {
  const address = parseDatabaseUrl(url);
  const clock = options.clock ?? systemClock();
  const scope = new TransactionScope();
  const waitMsMax = options.waitMsMax ?? WAIT_MS_MAX;
  const pool: PoolReader = { read: () => ({ used: 0, waiting: 0, max: 0 }) };
  const dialect = address.kind === "sqlite"
    ? sqliteDialect({ path: address.path, clock, scope, pool, waitMsMax })
    // A process on SQLite does not load the MySQL client.
    : (await import("./mysql_driver.ts")).mysqlDialect({
      address,
      scope,
      pool,
      waitMsMax,
      ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
      connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
      idleMsMax: options.idleMsMax ?? IDLE_MS_MAX,
      waitingMax: options.waitingMax ?? WAITING_MAX,
      connectMsMax: options.connectMsMax ?? CONNECT_MS_MAX,
      queryMsMax: options.queryMsMax ?? QUERY_MS_MAX,
    });
  const kysely = new Kysely<S>({
    dialect,
    ...options.metrics === undefined || options.metrics === NO_METRICS
      ? {}
      : { log: watchDatabase(options.metrics, pool) },
  });
  return {
    kysely,
    read: (fn) => fn(kysely),
    dialect: address.kind,
    scope,
    clock,
    close: () => kysely.destroy(),
  };
}
