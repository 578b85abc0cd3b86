import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { newId } from "../uid/mod.ts";
import { BoundedCache } from "./bounded_cache.ts";
import { boundTo, importKey, KEY_BYTES, open, readSealed, seal } from "./cipher.ts";
import type { MasterKey } from "./master_keys.ts";

/** A data key as it is stored. */
export interface StoredDataKey {
  readonly id: string;
  readonly keyring: string;
  /** Sealed by a master key. */
  readonly encryptedKey: string;
  readonly createdAtMs: number;
  /** Counts the keys of a keyring from 1; 0: made before they were counted. */
  readonly generation: number;
  /** Values that it has encrypted, or that a process has set aside for it. */
  readonly uses: number;
}

/** Where data keys are kept. */
export interface DataKeyStore {
  /** The keyring's key of the highest generation, or `undefined` for a keyring that has none. */
  newest(keyring: string): Promise<StoredDataKey | undefined>;
  byId(id: string): Promise<StoredDataKey | undefined>;
  /** False when the keyring has a key of this generation already: another process was first. */
  add(key: StoredDataKey): Promise<boolean>;
  countUses(id: string, uses: number): Promise<void>;
}

/** A keyring gets a new data key when its newest one is this old, or has encrypted so much. */
export interface DataKeyLife {
  readonly ageMs: number;
  readonly uses: number;
}

/** A data key that can be used. */
export interface DataKey {
  readonly id: string;
  readonly keyring: string;
  readonly key: CryptoKey;
}

/** The key that encrypts for a keyring at present. */
interface Current {
  readonly key: DataKey;
  /** Uses that are set aside for this process. */
  left: number;
  /** The store is asked again then: another process may have made a new key. */
  readonly untilMs: number;
}

const CACHE_MAX = 10_000;
const ASK_AGAIN_MS = 60_000;
const USES_AT_ONCE_MAX = 1_000;
/** The part of a key's uses that a process sets aside at once. */
const USES_AT_ONCE_PART = 1 / 100;
/** Each try that fails means that another process has made a key. */
const TRIES_MAX = 10;

/** Makes a data key for a keyring, sealed by the first master key. */
export async function makeDataKey(
  master: { readonly id: string; readonly key: CryptoKey },
  { keyring, generation, uses, nowMs }: Pick<StoredDataKey, "keyring" | "generation" | "uses"> & {
    readonly nowMs: number;
  },
): Promise<{ readonly stored: StoredDataKey; readonly key: DataKey }> {
  const id = newId("dataKey", nowMs);
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const encryptedKey = await seal(master, bytes, boundTo("data key", keyring, id));
  const stored = { id, keyring, encryptedKey, createdAtMs: nowMs, generation, uses };
  return { stored, key: { id, keyring, key: await importKey(bytes) } };
}

/** The data keys of all keyrings. Concurrent first uses of a keyring share one key, also those of several processes. */
export class DataKeys {
  readonly #masters: Promise<readonly { readonly id: string; readonly key: CryptoKey }[]>;
  readonly #store: DataKeyStore;
  readonly #clock: Clock;
  readonly #life: DataKeyLife;
  readonly #byId = new BoundedCache<DataKey>(CACHE_MAX);
  readonly #current = new BoundedCache<Current>(CACHE_MAX);
  readonly #asking = new Map<string, Promise<Current>>();

  constructor(
    { masterKeys, store, clock, life }: {
      readonly masterKeys: readonly MasterKey[];
      readonly store: DataKeyStore;
      readonly clock: Clock;
      readonly life: DataKeyLife;
    },
  ) {
    this.#masters = Promise.all(
      masterKeys.map(async ({ id, bytes }) => ({ id, key: await importKey(bytes) })),
    );
    this.#store = store;
    this.#clock = clock;
    this.#life = life;
  }

  /** The key to encrypt one value with. */
  async current(keyring: string): Promise<DataKey> {
    let current = this.#current.get(keyring);
    if (current !== undefined && this.#clock.now() >= current.untilMs) current = undefined;
    while (current === undefined || current.left <= 0) current = await this.#ask(keyring);
    current.left--;
    return current.key;
  }

  /** The key of a keyring with this id; `undefined` when the keyring has none such. */
  async byId(id: string, keyring: string): Promise<DataKey | undefined> {
    const cached = this.#byId.get(id);
    if (cached?.keyring === keyring) return cached;
    const stored = await this.#store.byId(id);
    return stored?.keyring === keyring ? await this.#unwrap(stored) : undefined;
  }

  /** Shares the answer among all who wait for the same keyring. */
  #ask(keyring: string): Promise<Current> {
    const asking = this.#asking.get(keyring);
    if (asking !== undefined) return asking;
    const asked = this.#find(keyring).finally(() => this.#asking.delete(keyring));
    this.#asking.set(keyring, asked);
    return asked;
  }

  async #find(keyring: string): Promise<Current> {
    const [master] = await this.#masters;
    if (master === undefined) throw new Fault("internal", "no master key is configured");
    const left = Math.max(1, Math.min(USES_AT_ONCE_MAX, Math.floor(this.#life.uses * USES_AT_ONCE_PART)));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const nowMs = this.#clock.now();
      const newest = await this.#store.newest(keyring);
      if (newest !== undefined && this.#encrypts(newest, nowMs)) {
        const key = await this.#unwrap(newest);
        await this.#store.countUses(newest.id, left);
        return this.#take(key, left, Math.min(nowMs + ASK_AGAIN_MS, newest.createdAtMs + this.#life.ageMs));
      }
      const generation = (newest?.generation ?? 0) + 1;
      const { stored, key } = await makeDataKey(master, { keyring, generation, uses: left, nowMs });
      if (!await this.#store.add(stored)) continue;
      this.#byId.set(key.id, key);
      return this.#take(key, left, nowMs + Math.min(ASK_AGAIN_MS, this.#life.ageMs));
    }
    throw new Fault(
      "unavailable",
      `keyring ${keyring} got ${TRIES_MAX} data keys from other processes at once`,
    );
  }

  #encrypts({ createdAtMs, uses }: StoredDataKey, nowMs: number): boolean {
    return uses < this.#life.uses && nowMs - createdAtMs < this.#life.ageMs;
  }

  #take(key: DataKey, left: number, untilMs: number): Current {
    const current = { key, left, untilMs };
    this.#current.set(key.keyring, current);
    return current;
  }

  async #unwrap(stored: StoredDataKey): Promise<DataKey> {
    const cached = this.#byId.get(stored.id);
    if (cached?.keyring === stored.keyring) return cached;
    const sealed = readSealed(stored.encryptedKey);
    const master = (await this.#masters).find(({ id }) => id === sealed?.keyId);
    if (sealed === undefined || master === undefined) {
      throw new Fault("internal", `data key ${stored.id} is sealed by a master key that is not configured`);
    }
    const bytes = await open(master.key, sealed, boundTo("data key", stored.keyring, stored.id));
    if (bytes === undefined) throw new Fault("internal", `data key ${stored.id} does not decrypt`);
    const key = { id: stored.id, keyring: stored.keyring, key: await importKey(bytes) };
    this.#byId.set(key.id, key);
    return key;
  }
}
