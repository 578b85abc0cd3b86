/** The condition of a database, as it is looked at before a start. Nothing is changed. */
import { sql } from "kysely";
import { dialectOf, transact } from "../../../../pkg/db/mod.ts";
import { type CtrlDatabase, readHistory } from "./database.ts";
import { probeWrite } from "./write_probes.ts";

export interface DatabaseCondition {
  /** E.g. `11.8.6-MariaDB`. */
  readonly version: string;
  /** Migrations that the database has. */
  readonly applied: number;
  /** Those that this program would apply. */
  readonly missing: readonly string[];
}

/** @throws `failed_precondition` when this program cannot work with the tables, `unavailable` without an answer */
export async function readCondition(db: CtrlDatabase): Promise<DatabaseCondition> {
  const ask = dialectOf(db.kysely) === "mysql"
    ? sql<{ version: string }>`select version() as version`
    : sql<{ version: string }>`select sqlite_version() as version`;
  const { rows } = await ask.execute(db.kysely);
  const { applied, missing } = await readHistory(db);
  return { version: String(rows[0]?.version), applied: applied.length, missing };
}

class NotKept extends Error {}

/** Writes a row and takes it back. Rejects as any write would. */
export async function tryWrite(db: CtrlDatabase, nowMs: number): Promise<void> {
  try {
    await transact(db, async (tx) => {
      await probeWrite(tx, "preflight", nowMs);
      throw new NotKept();
    });
  } catch (error) {
    if (!(error instanceof NotKept)) throw error;
  }
}
