import { Secret } from "../../../pkg/config/mod.ts";

/** Settings of a database in memory. */
export const TEST_DATABASE = {
  databasePrimary: new Secret("sqlite::memory:"),
  databaseReplica: undefined,
  databaseCaFile: undefined,
  databasePoolSize: 16,
  databaseQueueMax: 5_000,
  databaseIdleMs: 60_000,
  databaseWaitMs: 15_000,
  databaseConnectMs: 5_000,
  databaseStatementMs: 30_000,
  migrate: true,
};

/** Settings of a bucket that there is none of. */
export const TEST_BUCKET = {
  buildS3Url: undefined,
  buildS3ExternalUrl: undefined,
  buildS3Region: "auto",
  buildS3Bucket: undefined,
  buildS3Style: "path",
  buildS3CaFile: undefined,
  buildS3Encryption: "none",
  buildS3KmsKeyId: undefined,
  buildS3Credentials: "keys",
  buildS3AccessKeyId: undefined,
  buildS3AccessKeySecret: undefined,
  buildS3SessionToken: undefined,
} as const;
