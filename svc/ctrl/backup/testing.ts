/** Databases and backups for tests. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sql } from "kysely";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { transact } from "../../../pkg/db/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { hasMysqlServer, mysqlServer } from "../../../pkg/testkit/mariadb.ts";
import { type CtrlDatabase, listDumpedTables, openCtrlDatabase, readRows } from "../internal/store/mod.ts";
import { ROWS } from "../internal/store/testing_rows.ts";
import { runBackup } from "./run.ts";

const log = silentLogger();
export const process = { clock: systemClock(), log };
export type Kind = "sqlite" | "mysql";

/** Databases and folders that are removed at the end. */
export class Bed implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  async folder(): Promise<string> {
    const path = await Deno.makeTempDir({ prefix: "unkey-backup-" });
    this.#stack.defer(() => Deno.remove(path, { recursive: true }));
    return path;
  }

  /** An empty database. */
  async url(kind: Kind): Promise<Secret> {
    if (kind === "sqlite") return new Secret(`sqlite://${await this.folder()}/ctrl.db`);
    const schema = await (await mysqlServer())?.createSchema();
    assert.ok(schema !== undefined);
    this.#stack.defer(() => schema.drop());
    return schema.url;
  }

  async open(url: Secret): Promise<CtrlDatabase> {
    const db = await openCtrlDatabase(url, { migrate: true, log });
    this.#stack.defer(() => db.close());
    return db;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** A row in each table. */
export async function fill(db: CtrlDatabase): Promise<void> {
  for (const [table, row] of Object.entries(ROWS)) {
    if (table === "migrations") continue;
    const cells = Object.entries(row);
    await sql`insert into ${sql.table(table)} (${sql.join(cells.map(([name]) => sql.ref(name)))})
      values (${sql.join(cells.map(([, value]) => value))})`.execute(db.kysely);
  }
  await db.kysely.updateTable("deployments").set({ status: "ready" }).execute();
}

/** All rows of the tables that a restore leaves as they were. */
export async function picture(db: CtrlDatabase): Promise<Record<string, unknown>> {
  const changed = new Set(["region_versions", "deployment_topology", "sentinels"]);
  const found: Record<string, unknown> = {};
  for (const name of await listDumpedTables(db.kysely)) {
    if (changed.has(name)) continue;
    const rows: unknown[] = [];
    await transact(db, async (tx) => {
      for await (const page of readRows(tx, name)) {
        rows.push(...page.map((row) =>
          Object.fromEntries(
            Object.entries(row).map(([key, cell]) => [key, cell instanceof Uint8Array ? [...cell] : cell]),
          )
        ));
      }
    });
    found[name] = rows;
  }
  return found;
}

export const KINDS: readonly Kind[] = hasMysqlServer() ? ["sqlite", "mysql"] : ["sqlite"];

/** The folder of a backup of the database at `source`. */
export async function backup(bed: Bed, source: Secret): Promise<string> {
  const folder = join(await bed.folder(), "backup");
  await runBackup({ databasePrimary: source }, folder, process);
  return folder;
}
