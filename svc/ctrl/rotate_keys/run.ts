import type { Clock } from "../../../pkg/clock/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { parseMasterKeys, resealDataKeys, type Resealed } from "../../../pkg/vault/mod.ts";
import { openCtrlDatabase, resealStore } from "../internal/store/mod.ts";
import type { RotateKeysConfig } from "./config.ts";

export interface RotateKeysProcess {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const SHOWN_MAX = 3;

/**
 * Seals all data keys with the first of the master keys, so that the others can be dropped. The api processes go on
 * meanwhile, as long as each of them has all the keys.
 *
 * @throws `failed_precondition` when there are data keys that none of the master keys opens
 */
export async function runRotateKeys(
  config: RotateKeysConfig,
  { log, clock, signal }: RotateKeysProcess,
): Promise<Pick<Resealed, "resealed" | "current">> {
  const db = await openCtrlDatabase(config.databasePrimary, { migrate: false, log, clock });
  try {
    const masterKeys = parseMasterKeys(config.vaultMasterKeys);
    const { unreadable, ...counts } = await resealDataKeys({
      masterKeys,
      store: resealStore(db.kysely),
      signal,
    });
    if (unreadable.length === 0) return counts;
    throw publicFault(
      "failed_precondition",
      `${unreadable.length} data keys are sealed by a master key that is not among UNKEY_VAULT_MASTER_KEYS ` +
        `(${unreadable.slice(0, SHOWN_MAX).join(", ")}): add the key that was used before. ` +
        `${counts.resealed} others were sealed anew.`,
    );
  } finally {
    await db.close();
  }
}
