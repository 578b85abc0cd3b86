import type { Clock } from "../../../pkg/clock/mod.ts";
import { publicFault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { parseMasterKeys, renewDataKeys, resealDataKeys, type Resealed } from "../../../pkg/vault/mod.ts";
import { databaseAuthorities } from "../internal/database_config.ts";
import { openCtrlDatabase, renewStore, resealStore } from "../internal/store/mod.ts";
import type { RotateKeysConfig } from "./config.ts";

export interface RotateKeysProcess {
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const SHOWN_MAX = 3;

/** The result of a rotation. */
export interface Rotated extends Pick<Resealed, "resealed" | "current"> {
  /** Keyrings that have a new data key. */
  readonly renewed: number;
}

/**
 * Seals all data keys with the first of the master keys, so that the others can be dropped, and makes new data keys
 * if they are asked for. The api processes go on meanwhile, as long as each of them has all the keys.
 *
 * @throws `failed_precondition` when there are data keys that none of the master keys opens
 */
export async function runRotateKeys(
  config: RotateKeysConfig,
  { log, clock, signal }: RotateKeysProcess,
): Promise<Rotated> {
  const authorities = await databaseAuthorities(config);
  const db = await openCtrlDatabase(config.databasePrimary, { ...authorities, migrate: false, log, clock });
  try {
    const masterKeys = parseMasterKeys(config.vaultMasterKeys);
    const { unreadable, ...counts } = await resealDataKeys({
      masterKeys,
      store: resealStore(db.kysely),
      signal,
    });
    if (unreadable.length === 0) {
      const renewed = config.dataKeys
        ? await renewDataKeys({ masterKeys, store: renewStore(db.kysely), nowMs: clock.now(), signal })
        : 0;
      return { ...counts, renewed };
    }
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
