import { field, integerSchema } from "../../../../pkg/config/mod.ts";
import type { DataKeyLife } from "../../../../pkg/vault/mod.ts";

const DAYS_DEFAULT = 90;
const DAYS_MAX = 3_650;
const USES_DEFAULT = 1_000_000;
/** A fourth of the values for which one key's random nonces are good. */
const USES_MAX = 2 ** 30;

/** Settings that api and worker should have alike. */
export const DATA_KEY_FIELDS = {
  dataKeyDays: field({
    flag: "data-key-days",
    env: "UNKEY_DATA_KEY_DAYS",
    placeholder: "<days>",
    help: "Age at which a keyring's data key is replaced. Older ones go on decrypting.",
    schema: integerSchema(DAYS_DEFAULT, 1, DAYS_MAX),
  }),
  dataKeyUses: field({
    flag: "data-key-uses",
    env: "UNKEY_DATA_KEY_USES",
    placeholder: "<count>",
    help: "Values that a data key encrypts before it is replaced.",
    schema: integerSchema(USES_DEFAULT, 1, USES_MAX),
  }),
};

const DAY_MS = 24 * 60 * 60_000;

/** The settings as the vault takes them. */
export function dataKeyLife(
  { dataKeyDays, dataKeyUses }: { readonly dataKeyDays: number; readonly dataKeyUses: number },
): DataKeyLife {
  return { ageMs: dataKeyDays * DAY_MS, uses: dataKeyUses };
}
