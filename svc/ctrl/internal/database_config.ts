/** The settings of the database, alike for api and worker. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import {
  type ConfigOf,
  durationSchema,
  durationText,
  field,
  fieldName,
  integerSchema,
  secretField,
  switchField,
  textSchema,
} from "../../../pkg/config/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Metrics } from "../../../pkg/metrics/mod.ts";
import { readAuthorities } from "../../../pkg/tls/mod.ts";
import { type CtrlDatabase, openCtrlDatabase } from "./store/mod.ts";

/** The fields of every command that uses the database. */
export const DATABASE_PLACE_FIELDS = {
  databasePrimary: secretField({
    env: "UNKEY_DATABASE_PRIMARY",
    help:
      "Database: mysql://user:password@host:port/name, with ?tls=true over TLS; the form of Go's driver, " +
      "user:password@tcp(host:port)/name; or sqlite:///path/to/file.db.",
    required: true,
  }),
  databaseCaFile: field({
    flag: "database-ca-file",
    env: "UNKEY_DATABASE_CA_FILE",
    placeholder: "<path>",
    help: "Authority of the database's certificate, in PEM, where it is not one that is trusted anyway.",
    schema: textSchema(),
  }),
};

/** The fields of processes that run. */
export const DATABASE_FIELDS = {
  ...DATABASE_PLACE_FIELDS,
  databaseReplica: secretField({
    env: "UNKEY_DATABASE_REPLICA",
    help: "Replica of the same database, for lists and logs that users ask for. Both must have GTIDs. " +
      "While it is away or behind, the primary is read.",
    required: false,
  }),
  migrate: switchField({
    flag: "migrate",
    env: "UNKEY_DATABASE_MIGRATE",
    help: "Bring the tables up to date at start.",
    default: true,
  }),
  databasePoolSize: field({
    flag: "database-pool-size",
    env: "UNKEY_DATABASE_POOL_SIZE",
    placeholder: "<count>",
    help: "Connections to MySQL at once, of this process.",
    schema: integerSchema(16, 1, 1_000),
  }),
  databaseQueueMax: field({
    flag: "database-queue-max",
    env: "UNKEY_DATABASE_QUEUE_MAX",
    placeholder: "<count>",
    help: "Statements that wait for a connection at once; more are refused.",
    schema: integerSchema(5_000, 1, 100_000),
  }),
  databaseIdleMs: field({
    flag: "database-idle",
    env: "UNKEY_DATABASE_IDLE",
    placeholder: "<duration>",
    help: "A connection without use for so long is closed.",
    show: durationText,
    schema: durationSchema({ fallback: "1m", minMs: 1_000, maxMs: 28_800_000 }),
  }),
  databaseWaitMs: field({
    flag: "database-wait",
    env: "UNKEY_DATABASE_WAIT",
    placeholder: "<duration>",
    help: "The longest wait for a free connection.",
    show: durationText,
    schema: durationSchema({ fallback: "15s", minMs: 1_000, maxMs: 600_000 }),
  }),
  databaseConnectMs: field({
    flag: "database-connect",
    env: "UNKEY_DATABASE_CONNECT",
    placeholder: "<duration>",
    help: "The longest wait for a new connection.",
    show: durationText,
    schema: durationSchema({ fallback: "5s", minMs: 1_000, maxMs: 600_000 }),
  }),
  databaseStatementMs: field({
    flag: "database-statement",
    env: "UNKEY_DATABASE_STATEMENT",
    placeholder: "<duration>",
    help: "The longest time of one statement; migrations have six hours.",
    show: durationText,
    schema: durationSchema({ fallback: "30s", minMs: 1_000, maxMs: 600_000 }),
  }),
};

export type DatabasePlaceConfig = ConfigOf<typeof DATABASE_PLACE_FIELDS>;
export type DatabaseConfig = ConfigOf<typeof DATABASE_FIELDS>;

/** The text of the file that the settings name, as an option of the database. */
export async function databaseAuthorities(
  { databaseCaFile: path }: Partial<DatabasePlaceConfig>,
): Promise<{ readonly authorities?: string }> {
  if (path === undefined) return {};
  const setting = fieldName(DATABASE_PLACE_FIELDS.databaseCaFile);
  return { authorities: await readAuthorities({ path, setting }) };
}

/**
 * Opens the database that the settings name, with its replica.
 *
 * @throws as `openCtrlDatabase`, and `failed_precondition` when the file of the authority cannot be used
 */
export async function openConfiguredDatabase(
  config: DatabaseConfig,
  { log, clock, metrics }: {
    readonly log: Logger;
    readonly clock: Clock;
    readonly metrics?: Metrics | undefined;
  },
): Promise<CtrlDatabase> {
  return await openCtrlDatabase(config.databasePrimary, {
    ...await databaseAuthorities(config),
    ...(config.databaseReplica === undefined ? {} : { replica: config.databaseReplica }),
    migrate: config.migrate,
    connectionsMax: config.databasePoolSize,
    waitingMax: config.databaseQueueMax,
    idleMsMax: config.databaseIdleMs,
    waitMsMax: config.databaseWaitMs,
    connectMsMax: config.databaseConnectMs,
    queryMsMax: config.databaseStatementMs,
    log,
    clock,
    metrics,
  });
}
