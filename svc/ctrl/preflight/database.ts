import { dirname } from "node:path";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Secret } from "../../../pkg/config/mod.ts";
import { databaseAuthorities, type DatabasePlaceConfig } from "../internal/database_config.ts";
import { databaseNow, openDatabase, parseDatabaseUrl } from "../../../pkg/db/mod.ts";
import { type ClockSource, failed, folderFinding, ok, type Probe } from "../../../pkg/preflight/mod.ts";
import { type CtrlDatabase, readCondition, type Schema, tryWrite } from "../internal/store/mod.ts";

/** The settings of the control plane's database. */
export interface DatabaseSettings extends Partial<DatabasePlaceConfig> {
  readonly databasePrimary: Secret;
  /** True: the process brings the tables up to date at its start. */
  readonly migrate: boolean;
}

const SETTING = "UNKEY_DATABASE_PRIMARY";
const BOUNDS = { connectionsMax: 1, connectMsMax: 5_000, queryMsMax: 8_000, waitMsMax: 8_000 };
const ADVICE =
  `Check ${SETTING} (host, port, user, password, name of the database), and that the server runs.`;

/** Reads the tables' version, and writes a row that it takes back. */
export function databaseProbe(config: DatabaseSettings, clock: Clock): Probe {
  const { databasePrimary: url, migrate } = config;
  return {
    subject: "database",
    advice: ADVICE,
    async ask() {
      const folder = await folderOfNewFile(url);
      if (folder !== undefined) {
        return await folderFinding(folder, SETTING) ?? ok("The SQLite file will be made at the start.");
      }
      return await withDatabase(config, clock, async (db) => {
        const { version, applied, missing } = await readCondition(db);
        const name = db.dialect === "mysql" ? "MySQL" : "SQLite";
        if (missing.length > 0 && !migrate) {
          const text = `${name} ${version} answers; its tables lack ${missing.length} migrations.`;
          return failed(text, 'Run "unkey ctrl migrate", or start with --migrate.');
        }
        if (applied === 0) return ok(`${name} ${version} answers; its tables will be made at the start.`);
        if (missing.length > 0) {
          return ok(`${name} ${version} answers; ${missing.length} migrations will be applied at the start.`);
        }
        await tryWrite(db, clock.now());
        return ok(`${name} ${version} answers and takes writes; its tables are up to date.`);
      });
    },
  };
}

/** The database server's clock; a SQLite file has none of its own. */
export function databaseClock(config: DatabaseSettings, clock: Clock): ClockSource {
  return {
    name: "the database",
    read: () =>
      parseDatabaseUrl(config.databasePrimary).kind === "sqlite"
        ? Promise.resolve(undefined)
        : withDatabase(config, clock, (db) => databaseNow(db.kysely)),
  };
}

async function withDatabase<T>(
  config: DatabaseSettings,
  clock: Clock,
  look: (db: CtrlDatabase) => Promise<T>,
): Promise<T> {
  const authorities = await databaseAuthorities(config);
  const db = await openDatabase<Schema>(config.databasePrimary, { clock, ...authorities, ...BOUNDS });
  try {
    return await look(db);
  } finally {
    await db.close();
  }
}

/** The folder of a SQLite file that is not there yet. Opening the file would make it. */
async function folderOfNewFile(url: Secret): Promise<string | undefined> {
  const address = parseDatabaseUrl(url);
  if (address.kind === "mysql" || address.path === ":memory:") return undefined;
  return await Deno.stat(address.path).then(() => undefined, () => dirname(address.path));
}
