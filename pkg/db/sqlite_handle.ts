/** One SQLite connection with its prepared statements. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { QueryResult } from "kysely";
import { Fault } from "../fault/mod.ts";
import { isConflict, sqliteFault } from "./errors.ts";

const STATEMENTS_MAX = 256;
/** Blocks the whole thread, hence short; longer waits do not block. */
const BUSY_BLOCK_MS = 20;
const OPEN_BLOCK_MS = 2_000;

/** A connection. All calls are synchronous, so statements of different callers never interleave within one. */
export class SqliteHandle {
  readonly #db: DatabaseSync;
  /** Least recently used first. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readonly readOnly: boolean }) {
    try {
      this.#db = new DatabaseSync(path, { readOnly: options.readOnly });
      // Another process may be turning the same new file into a WAL one.
      this.#db.exec(`pragma busy_timeout = ${OPEN_BLOCK_MS}`);
      this.#db.exec("pragma foreign_keys = on");
      if (!options.readOnly) {
        this.#db.exec("pragma journal_mode = wal");
        // A commit that was answered survives a power cut: Restate has recorded the step that made it.
        this.#db.exec("pragma synchronous = full");
      }
      this.#db.exec(`pragma busy_timeout = ${BUSY_BLOCK_MS}`);
    } catch (error) {
      throw openFault(path, error);
    }
  }

  /** Runs one statement. */
  query<R>(sql: string, parameters: readonly unknown[]): QueryResult<R> {
    try {
      const statement = this.#prepare(sql);
      const values = parameters.map(inputValue);
      if (statement.columns().length > 0) {
        // Rows come without a prototype, which makes them unequal to any literal.
        return { rows: statement.all(...values).map((row) => ({ ...row })) as R[] };
      }
      const { changes, lastInsertRowid } = statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    } catch (error) {
      throw sqliteFault(error);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    const statement = known ?? this.#db.prepare(sql);
    if (known !== undefined) this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_MAX) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }
}

function openFault(path: string, error: unknown): Fault {
  const fault = sqliteFault(error);
  if (isConflict(fault)) return fault;
  return new Fault("failed_precondition", `cannot open the SQLite file "${path}"`, {
    cause: fault.cause,
    publicMessage: `Cannot open the database file ${path}. ` +
      "Its folder must exist and be writable, and it must be a SQLite file.",
  });
}

function inputValue(value: unknown): SQLInputValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value;
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new Fault(
        "internal",
        `a ${typeof value} was bound to a statement: only text, numbers and bytes can be`,
      );
  }
}
