import { type ConfigOf, switchField } from "../../../pkg/config/mod.ts";
import { DATABASE_PLACE_FIELDS, type DatabasePlaceConfig } from "../internal/database_config.ts";

/** Every setting of `ctrl backup`. */
export const BACKUP_FIELDS = DATABASE_PLACE_FIELDS;

/** Every setting of `ctrl restore`. */
export const RESTORE_FIELDS = {
  ...BACKUP_FIELDS,
  revokeRegionTokens: switchField({
    flag: "revoke-region-tokens",
    env: "UNKEY_RESTORE_REVOKE_REGION_TOKENS",
    help: "Revoke the tokens of all agents and edges; each of them needs a new one then.",
    default: false,
  }),
};

/** Parsed settings of `ctrl backup`. */
export type BackupConfig = Pick<DatabasePlaceConfig, "databasePrimary"> & Partial<DatabasePlaceConfig>;

/** Parsed settings of `ctrl restore`. */
export type RestoreConfig = BackupConfig & Partial<ConfigOf<typeof RESTORE_FIELDS>>;
