import { type ConfigOf, secretField, switchField } from "../../../pkg/config/mod.ts";
import { masterKeysProblem } from "../../../pkg/vault/mod.ts";
import { DATABASE_PLACE_FIELDS } from "../internal/database_config.ts";

/** Every setting of `ctrl rotate-keys`. */
export const ROTATE_KEYS_FIELDS = {
  ...DATABASE_PLACE_FIELDS,
  vaultMasterKeys: secretField({
    env: "UNKEY_VAULT_MASTER_KEYS",
    help: "Comma-separated keys of 32 bytes in base64: the new one first, then the former ones.",
    required: true,
  }),
  dataKeys: switchField({
    flag: "data-keys",
    env: "UNKEY_ROTATE_DATA_KEYS",
    help: "Also make a new data key for every keyring, for all that is encrypted from now on.",
    default: false,
  }),
};

/** Parsed settings of `ctrl rotate-keys`. */
export type RotateKeysConfig = ConfigOf<typeof ROTATE_KEYS_FIELDS>;

/** For `loadConfig`. */
export function checkRotateKeysConfig({ vaultMasterKeys }: RotateKeysConfig): readonly string[] {
  const problem = masterKeysProblem(vaultMasterKeys);
  return problem === undefined ? [] : [`UNKEY_VAULT_MASTER_KEYS ${problem}`];
}
