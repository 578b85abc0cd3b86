import { Fault } from "../fault/mod.ts";
import { boundTo, importKey, open, readSealed, seal } from "./cipher.ts";
import { makeDataKey, type StoredDataKey } from "./data_keys.ts";
import type { MasterKey } from "./master_keys.ts";

/** Where data keys are kept, as far as resealing goes. */
export interface ResealStore {
  /** Up to `limit` keys of all keyrings whose id is above `afterId`, by id. */
  listAfter(afterId: string, limit: number): Promise<readonly StoredDataKey[]>;
  /** Replaces the sealed form if it is still `from`; false when another process replaced it. */
  replace(id: string, sealed: { readonly from: string; readonly to: string }): Promise<boolean>;
}

/** The result of resealing. */
export interface Resealed {
  /** Keys that a former master key had sealed and the first one seals now. */
  readonly resealed: number;
  /** Keys that the first master key had sealed before. */
  readonly current: number;
  /** Keys that cannot be opened with any of the master keys; they are left alone. */
  readonly unreadable: readonly string[];
}

const BATCH = 200;

/**
 * Seals every data key with the first master key. Values stay as they are, and so do the data keys themselves, so vaults
 * that hold all the master keys go on meanwhile. Safe to repeat, to interrupt, and to run twice at once.
 */
export async function resealDataKeys(
  { masterKeys, store, signal }: {
    readonly masterKeys: readonly MasterKey[];
    readonly store: ResealStore;
    readonly signal: AbortSignal;
  },
): Promise<Resealed> {
  const keys = await Promise.all(
    masterKeys.map(async ({ id, bytes }) => ({ id, key: await importKey(bytes) })),
  );
  const [first] = keys;
  if (first === undefined) throw new Fault("internal", "no master key is configured");
  let [resealed, current] = [0, 0];
  const unreadable: string[] = [];
  let afterId = "";
  for (let batch = await store.listAfter(afterId, BATCH); batch.length > 0;) {
    for (const stored of batch) {
      signal.throwIfAborted();
      const sealed = readSealed(stored.encryptedKey);
      const master = keys.find(({ id }) => id === sealed?.keyId);
      const bound = boundTo("data key", stored.keyring, stored.id);
      const bytes = sealed && master && await open(master.key, sealed, bound);
      afterId = stored.id;
      if (bytes === undefined) unreadable.push(stored.id);
      else if (master === first) current++;
      else {
        const to = await seal(first, bytes, bound);
        if (await store.replace(stored.id, { from: stored.encryptedKey, to })) resealed++;
        else current++;
      }
    }
    batch = await store.listAfter(afterId, BATCH);
  }
  return { resealed, current, unreadable };
}

/** Where data keys are kept, as far as new ones go. */
export interface RenewStore {
  /** The newest keys of up to `limit` keyrings above `afterKeyring` that have none younger than `beforeMs`, by keyring. */
  listNewest(
    afterKeyring: string,
    range: { readonly beforeMs: number; readonly limit: number },
  ): Promise<readonly Pick<StoredDataKey, "keyring" | "generation">[]>;
  /** False when the keyring has a key of this generation already. */
  add(key: StoredDataKey): Promise<boolean>;
}

/**
 * Makes a new data key for every keyring whose newest one is older than `nowMs`, and returns their number. Values that
 * were encrypted stay readable; vaults use the new keys within a minute. Safe to repeat and to interrupt.
 */
export async function renewDataKeys(
  { masterKeys, store, nowMs, signal }: {
    readonly masterKeys: readonly MasterKey[];
    readonly store: RenewStore;
    readonly nowMs: number;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const [first] = masterKeys;
  if (first === undefined) throw new Fault("internal", "no master key is configured");
  const master = { id: first.id, key: await importKey(first.bytes) };
  let [made, after] = [0, ""];
  const next = () => store.listNewest(after, { beforeMs: nowMs, limit: BATCH });
  for (let batch = await next(); batch.length > 0; batch = await next()) {
    for (const { keyring, generation } of batch) {
      signal.throwIfAborted();
      const { stored } = await makeDataKey(master, { keyring, generation: generation + 1, uses: 0, nowMs });
      if (await store.add(stored)) made++;
      after = keyring;
    }
  }
  return made;
}
