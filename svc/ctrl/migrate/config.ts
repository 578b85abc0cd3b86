import type { ConfigOf } from "../../../pkg/config/mod.ts";
import { DATABASE_PLACE_FIELDS } from "../internal/database_config.ts";

/** Every setting of `ctrl migrate`. */
export const MIGRATE_FIELDS = {
  ...DATABASE_PLACE_FIELDS,
};

/** Parsed settings of `ctrl migrate`. */
export type MigrateConfig = ConfigOf<typeof MIGRATE_FIELDS>;
