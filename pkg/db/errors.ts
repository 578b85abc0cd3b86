/** Turns what the drivers throw into faults, without statements, values or credentials. */
import { Fault } from "../fault/mod.ts";

/** A driver's error, reduced to the parts that may be logged. It is only ever the cause of a fault. */
export class DriverError extends Error {
  override readonly name: string;
  /** True if another transaction was in the way, so that running this one again can succeed. */
  readonly conflict: boolean;

  constructor(name: string, message: string, conflict: boolean) {
    super(message);
    this.name = name;
    this.conflict = conflict;
  }
}

/** True if the transaction lost against another one and is worth repeating. */
export function isConflict(error: unknown): boolean {
  return error instanceof Fault && error.cause instanceof DriverError && error.cause.conflict;
}

const BUSY_PUBLIC = "The database is busy. Nothing was changed; try again in a few seconds.";
const UNREACHABLE_PUBLIC = "The database cannot be reached. Try again in a few seconds.";

const MYSQL_DUPLICATE: ReadonlySet<number> = new Set([1062, 1586]);
const MYSQL_CONFLICT: ReadonlySet<number> = new Set([1213, 1205, 1020]);
/** Too many connections, shutdown, killed, read-only while failing over, statement stopped for its time. */
const MYSQL_UNAVAILABLE: ReadonlySet<number> = new Set([
  1040,
  1053,
  1152,
  1203,
  1290,
  1317,
  1792,
  1836,
  1927,
  1969,
  2006,
  2013,
  3024,
]);
/** Denied, unknown database: only the operator can help. */
const MYSQL_SETUP: ReadonlySet<number> = new Set([1044, 1045, 1049, 1130, 1698]);

/** The fault for an error of mysql2. The error itself is dropped: it carries the statement with its values. */
export function mysqlFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { errno, code, message } = mysqlDetails(error);
  // Server errors are 1000 to 1999 and 3000 up; everything else never got an answer from the server.
  const answered = errno >= 1000 && errno < 2000 || errno >= 3000;
  const cause = new DriverError(`MySQL ${code}`, message, MYSQL_CONFLICT.has(errno));
  if (MYSQL_DUPLICATE.has(errno)) return new Fault("already_exists", "a unique key is taken", { cause });
  if (cause.conflict) {
    return new Fault("unavailable", "another transaction is in the way", {
      cause,
      publicMessage: BUSY_PUBLIC,
    });
  }
  if (!answered || MYSQL_UNAVAILABLE.has(errno)) {
    return new Fault("unavailable", "no answer from MySQL", { cause, publicMessage: UNREACHABLE_PUBLIC });
  }
  if (MYSQL_SETUP.has(errno)) {
    return new Fault("failed_precondition", "MySQL refuses this user or database", {
      cause,
      publicMessage: "The database refuses the configured user or has no such database. " +
        "Check user, password and database name in the database URL.",
    });
  }
  return new Fault("internal", "MySQL refused a statement", { cause });
}

function mysqlDetails(error: unknown): { errno: number; code: string; message: string } {
  if (!(error instanceof Error)) return { errno: 0, code: "unknown", message: String(error) };
  const errno = "errno" in error && typeof error.errno === "number" ? error.errno : 0;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const text = "sqlMessage" in error && typeof error.sqlMessage === "string"
    ? error.sqlMessage
    : error.message;
  return { errno, code, message: text === "" ? code : text };
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
/** Extended codes of broken unique and primary keys. */
const SQLITE_DUPLICATE: ReadonlySet<number> = new Set([2067, 1555, 2579]);

/** The fault for an error of `node:sqlite`. */
export function sqliteFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const extended = sqliteCode(error, message);
  const code = extended & 0xff;
  const conflict = code === SQLITE_BUSY || code === SQLITE_LOCKED;
  const cause = new DriverError(`SQLite ${extended}`, message, conflict);
  if (SQLITE_DUPLICATE.has(extended)) return new Fault("already_exists", "a unique key is taken", { cause });
  if (conflict) {
    return new Fault("unavailable", "the SQLite file is locked", { cause, publicMessage: BUSY_PUBLIC });
  }
  if (code === SQLITE_FULL) {
    const publicMessage = "The disk of the database is full. Free some space and try again.";
    return new Fault("unavailable", "no space for the SQLite file", { cause, publicMessage });
  }
  if (code === SQLITE_IOERR || code === SQLITE_CANTOPEN || code === SQLITE_READONLY) {
    return new Fault("unavailable", "the SQLite file cannot be read or written", {
      cause,
      publicMessage: UNREACHABLE_PUBLIC,
    });
  }
  return new Fault("internal", "SQLite refused a statement", { cause });
}

function sqliteCode(error: unknown, message: string): number {
  if (error instanceof Error && "errcode" in error && typeof error.errcode === "number") return error.errcode;
  // Statements that are run without being prepared throw the text only.
  return /database (table )?is locked/.test(message) ? SQLITE_BUSY : 1;
}
