import { type ConfigOf, secretField } from "../../../pkg/config/mod.ts";

/** Every setting of `ctrl migrate`. */
export const MIGRATE_FIELDS = {
  databasePrimary: secretField({
    env: "UNKEY_DATABASE_PRIMARY",
    help: "Database: mysql://user:password@host:port/name or sqlite:///path/to/file.db.",
    required: true,
  }),
};

/** Parsed settings of `ctrl migrate`. */
export type MigrateConfig = ConfigOf<typeof MIGRATE_FIELDS>;
