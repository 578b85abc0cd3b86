import { type ConfigOf, secretField } from "../../../pkg/config/mod.ts";

/** Every setting of `ctrl backup` and `ctrl restore`. */
export const BACKUP_FIELDS = {
  databasePrimary: secretField({
    env: "UNKEY_DATABASE_PRIMARY",
    help: "Database: mysql://user:password@host:port/name or sqlite:///path/to/file.db.",
    required: true,
  }),
};

/** Parsed settings of `ctrl backup` and `ctrl restore`. */
export type BackupConfig = ConfigOf<typeof BACKUP_FIELDS>;
