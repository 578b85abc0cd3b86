/**
 * Backup and restore of the control plane's database, from either database into either.
 *
 * ```ts
 * const { tables } = await runBackup(config, "/backup/monday", { clock, log });
 * await runRestore(elsewhere, "/backup/monday", { clock, log });
 * ```
 *
 * A backup is of one moment, and no process waits for it. Apps run on during both, and agents and edges take the restored
 * state as a new one.
 *
 * @module
 */
import type { Clock } from "../../../pkg/clock/mod.ts";
import { openDatabase, readConsistently, transact } from "../../../pkg/db/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { databaseAuthorities } from "../internal/database_config.ts";
import {
  beginRestore,
  countValidCredentials,
  type CtrlDatabase,
  endUnfinished,
  insertRows,
  listDumpedTables,
  migrateAt,
  moveFeedTo,
  newRestoreMark,
  readHistory,
  readRows,
  removeRestoreMark,
  restoredVersion,
  revokeRegionTokens,
  type Schema,
  unknownMigrations,
  type ValidCredentials,
} from "../internal/store/mod.ts";
import type { BackupConfig, RestoreConfig } from "./config.ts";
import {
  FORMAT,
  type Manifest,
  readManifest,
  readTable,
  type TableEntry,
  verifyTables,
  writeManifest,
  writeTable,
} from "./format.ts";

export interface BackupProcess {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Restored extends ValidCredentials {
  readonly takenAtMs: number;
  readonly rows: number;
  /** Deployments that had not ended, and have failed now. */
  readonly unfinished: readonly string[];
  readonly revokedRegionTokens: number;
}

/**
 * Writes a backup into a folder, which must be new or empty.
 *
 * @throws `failed_precondition` for a folder with files in it, or a database without tables
 */
export async function runBackup(
  config: BackupConfig,
  folder: string,
  process: BackupProcess,
): Promise<Manifest> {
  await makeEmptyFolder(folder);
  return await withDatabase(config, process.clock, async (db) => {
    const { applied } = await readHistory(db);
    if (applied.length === 0) {
      throw publicFault("failed_precondition", "The database has no tables: nothing to back up.");
    }
    const takenAtMs = process.clock.now();
    const names = await listDumpedTables(db.kysely);
    const tables = await readConsistently(db, async (tx) => {
      const entries: TableEntry[] = [];
      for (const name of names) entries.push(await writeTable(folder, name, readRows(tx, name)));
      return entries;
    });
    const manifest: Manifest = { format: FORMAT, takenAtMs, migrations: [...applied], tables };
    await writeManifest(folder, manifest);
    return manifest;
  });
}

/**
 * Fills an empty database from a backup. Deployments that had not ended fail, and agents and edges begin with a snapshot.
 * Until the last transaction no program starts on the database; a restore that broke off is begun again.
 *
 * @throws `failed_precondition` for a database that has rows, and a backup that is damaged or of a newer program
 */
export async function runRestore(
  config: RestoreConfig,
  folder: string,
  { clock, log }: BackupProcess,
): Promise<Restored> {
  const manifest = await readManifest(folder);
  const [unknown] = unknownMigrations(manifest.migrations);
  if (unknown !== undefined) throw newer(folder, unknown);
  await verifyTables(folder, manifest);
  const options = { ...await databaseAuthorities(config), clock, log };
  const mark = newRestoreMark();
  return await withDatabase(config, clock, async (db) => {
    await beginRestore(db, mark);
    await migrateAt(config.databasePrimary, options, { wanted: manifest.migrations, mark });
    const rows = await insertTables(db, { folder, manifest, mark });
    // Those that came after the backup find its rows, as at an upgrade.
    await migrateAt(config.databasePrimary, options, { mark });
    const ended = await endRestore(db, { mark, config, nowMs: clock.now() });
    return { takenAtMs: manifest.takenAtMs, rows, ...ended };
  });
}

async function insertTables(
  db: CtrlDatabase,
  { folder, manifest, mark }: { readonly folder: string; readonly manifest: Manifest; readonly mark: string },
): Promise<number> {
  const known = new Set(await listDumpedTables(db.kysely));
  const other = manifest.tables.find(({ name }) => !known.has(name));
  if (other !== undefined) throw newer(folder, other.name);
  let count = 0;
  for (const entry of manifest.tables) {
    for await (const rows of readTable(folder, entry)) {
      await insertRows(db, { table: entry.name, rows, mark });
    }
    count += entry.rows;
  }
  return count;
}

/** All in one transaction: a database without the mark has all of it. */
async function endRestore(
  db: CtrlDatabase,
  { mark, config, nowMs }: { readonly mark: string; readonly config: RestoreConfig; readonly nowMs: number },
): Promise<Omit<Restored, "takenAtMs" | "rows">> {
  return await transact(db, async (tx) => {
    const unfinished = await endUnfinished(tx, nowMs);
    await moveFeedTo(tx, restoredVersion(nowMs));
    const revokedRegionTokens = config.revokeRegionTokens === true ? await revokeRegionTokens(tx, nowMs) : 0;
    const valid = await countValidCredentials(tx);
    await removeRestoreMark(tx, mark);
    return { unfinished, revokedRegionTokens, ...valid };
  });
}

async function makeEmptyFolder(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for await (const { name } of Deno.readDir(folder)) {
    throw publicFault("failed_precondition", `${folder} is not empty: it has ${name}. Name a new folder.`);
  }
}

function newer(folder: string, what: string) {
  return publicFault(
    "failed_precondition",
    `The backup ${folder} is of a newer unkey (it has ${what}). Use that one.`,
  );
}

async function withDatabase<T>(
  config: BackupConfig,
  clock: Clock,
  work: (db: CtrlDatabase) => Promise<T>,
): Promise<T> {
  const db = await openDatabase<Schema>(config.databasePrimary, {
    ...await databaseAuthorities(config),
    clock,
  });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
