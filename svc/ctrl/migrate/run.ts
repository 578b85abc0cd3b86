import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { databaseAuthorities } from "../internal/database_config.ts";
import { migrateAt } from "../internal/store/mod.ts";
import type { MigrateConfig } from "./config.ts";

export interface MigrateProcess {
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Brings the database's tables up to date and returns the names of the migrations that were missing, in order.
 *
 * @throws `unavailable` when the database cannot be reached or another process does not finish migrating it,
 * `failed_precondition` when its tables are newer than this program
 */
export async function runMigrate(config: MigrateConfig, process: MigrateProcess): Promise<readonly string[]> {
  const { log, clock } = process;
  return await migrateAt(config.databasePrimary, { ...await databaseAuthorities(config), log, clock });
}
