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
import {
  type CtrlDatabase,
  endUnfinished,
  hasRows,
  insertRows,
  listDumpedTables,
  migrateCtrlDatabase,
  moveFeedTo,
  readHistory,
  readRows,
  restoredVersion,
  type Schema,
} from "../internal/store/mod.ts";
import type { BackupConfig } from "./config.ts";
import {
  FORMAT,
  type Manifest,
  readManifest,
  readTable,
  type TableEntry,
  writeManifest,
  writeTable,
} from "./format.ts";

export interface BackupProcess {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Restored {
  readonly takenAtMs: number;
  readonly rows: number;
  /** Deployments that had not ended, and have failed now. */
  readonly unfinished: readonly string[];
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
 *
 * @throws `failed_precondition` for a database that has rows, and a backup that is damaged or of a newer program
 */
export async function runRestore(
  config: BackupConfig,
  folder: string,
  process: BackupProcess,
): Promise<Restored> {
  const manifest = await readManifest(folder);
  return await withDatabase(config, process.clock, async (db) => {
    await assertEmpty(db);
    await migrateCtrlDatabase(db, process.log, manifest.migrations);
    const known = new Set(await listDumpedTables(db.kysely));
    let rows = 0;
    for (const entry of manifest.tables) {
      if (!known.has(entry.name)) throw newer(folder, entry.name);
      for await (const page of readTable(folder, entry)) await insertRows(db, entry.name, page);
      rows += entry.rows;
    }
    const nowMs = process.clock.now();
    const unfinished = await transact(db, async (tx) => {
      const ended = await endUnfinished(tx, nowMs);
      await moveFeedTo(tx, restoredVersion(nowMs));
      return ended;
    });
    // Those that came after the backup find its rows, as at an upgrade.
    await migrateCtrlDatabase(db, process.log);
    return { takenAtMs: manifest.takenAtMs, rows, unfinished };
  });
}

async function makeEmptyFolder(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for await (const { name } of Deno.readDir(folder)) {
    throw publicFault("failed_precondition", `${folder} is not empty: it has ${name}. Name a new folder.`);
  }
}

async function assertEmpty(db: CtrlDatabase): Promise<void> {
  if ((await readHistory(db)).applied.length === 0) return;
  for (const name of await listDumpedTables(db.kysely)) {
    if (!await hasRows(db.kysely, name)) continue;
    throw publicFault(
      "failed_precondition",
      `The database has rows already (in ${name}). Restore into an empty one; keep this one until you are sure.`,
    );
  }
}

function newer(folder: string, what: string) {
  return publicFault(
    "failed_precondition",
    `The backup ${folder} is of a newer unkey (it has ${what}). Use that one.`,
  );
}

async function withDatabase<T>(
  { databasePrimary }: BackupConfig,
  clock: Clock,
  work: (db: CtrlDatabase) => Promise<T>,
): Promise<T> {
  const db = await openDatabase<Schema>(databasePrimary, { clock });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
