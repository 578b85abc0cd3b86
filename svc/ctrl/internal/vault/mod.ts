/**
 * The control plane's vault: data keys in the database, master keys from the settings.
 *
 * ```ts
 * const vault = openVault({ ...config, vaultMasterKeys }, { db, clock });
 * ```
 *
 * @module
 */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { createVault, parseMasterKeys, type Vault } from "../../../../pkg/vault/mod.ts";
import { type CtrlDatabase, dataKeyStore } from "../store/mod.ts";
import { dataKeyLife } from "./config.ts";

export interface VaultConfig {
  readonly vaultMasterKeys: Secret;
  readonly dataKeyDays: number;
  readonly dataKeyUses: number;
}

/** Opens the vault. Does no I/O. */
export function openVault(
  config: VaultConfig,
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
): Vault {
  const masterKeys = parseMasterKeys(config.vaultMasterKeys);
  return createVault({ masterKeys, store: dataKeyStore(db.kysely), clock, life: dataKeyLife(config) });
}
