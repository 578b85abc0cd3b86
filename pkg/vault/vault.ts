import { createHmac } from "node:crypto";
import type { Clock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { newId } from "../uid/mod.ts";
import { boundTo, importKey, KEY_BYTES, open, readSealed, seal } from "./cipher.ts";
import type { MasterKey } from "./master_keys.ts";

/** A data key as it is stored. */
export interface StoredDataKey {
  readonly id: string;
  readonly keyring: string;
  /** Sealed by a master key. */
  readonly encryptedKey: string;
  readonly createdAtMs: number;
}

/** Where data keys are kept. */
export interface DataKeyStore {
  /** The key that encrypts now, or `undefined` for a keyring that has none. */
  newest(keyring: string): Promise<StoredDataKey | undefined>;
  byId(id: string): Promise<StoredDataKey | undefined>;
  add(key: StoredDataKey): Promise<void>;
}

export interface VaultOptions {
  /** The first encrypts. */
  readonly masterKeys: readonly MasterKey[];
  readonly store: DataKeyStore;
  readonly clock: Clock;
}

/** Encrypts and decrypts small texts. Safe to use concurrently, also from several processes on one store. */
export interface Vault {
  /** Encrypts `plaintext`, bound to `keyring` and `name`. Makes the keyring's data key when it has none. */
  encrypt(keyring: string, name: string, plaintext: string): Promise<string>;
  /**
   * Reverses `encrypt`.
   *
   * @throws `internal` when the text was not made for this keyring and name, was changed, or its master key is missing
   */
  decrypt(keyring: string, name: string, ciphertext: string): Promise<string>;
  /**
   * A digest that is the same for the same text of a scope. Without the first master key a short text cannot be found by trying; another
   * first master key gives other digests.
   */
  digest(scope: string, text: string): string;
}

interface DataKey {
  readonly id: string;
  readonly keyring: string;
  readonly key: CryptoKey;
}

const CACHE_MAX = 10_000;

/** Opens a vault. Does no I/O before the first call. */
export function createVault({ masterKeys, store, clock }: VaultOptions): Vault {
  const masters = Promise.all(masterKeys.map(async ({ id, bytes }) => ({ id, key: await importKey(bytes) })));
  const byId = new BoundedCache<DataKey>(CACHE_MAX);
  const newest = new BoundedCache<DataKey>(CACHE_MAX);

  const unwrap = async (stored: StoredDataKey): Promise<DataKey> => {
    const sealed = readSealed(stored.encryptedKey);
    const master = (await masters).find(({ id }) => id === sealed?.keyId);
    if (sealed === undefined || master === undefined) {
      throw new Fault("internal", `data key ${stored.id} is sealed by a master key that is not configured`);
    }
    const bytes = await open(master.key, sealed, boundTo("data key", stored.keyring, stored.id));
    if (bytes === undefined) throw new Fault("internal", `data key ${stored.id} does not decrypt`);
    return { id: stored.id, keyring: stored.keyring, key: await importKey(bytes) };
  };

  const create = async (keyring: string): Promise<DataKey> => {
    const [master] = await masters;
    if (master === undefined) throw new Fault("internal", "no master key is configured");
    const now = clock.now();
    const id = newId("dataKey", now);
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    const encryptedKey = await seal(master, bytes, boundTo("data key", keyring, id));
    await store.add({ id, keyring, encryptedKey, createdAtMs: now });
    return { id, keyring, key: await importKey(bytes) };
  };

  const keyFor = async (keyring: string): Promise<DataKey> => {
    const cached = newest.get(keyring);
    if (cached !== undefined) return cached;
    const stored = await store.newest(keyring);
    const key = stored === undefined ? await create(keyring) : await unwrap(stored);
    newest.set(keyring, key);
    byId.set(key.id, key);
    return key;
  };

  const keyById = async (id: string, keyring: string): Promise<DataKey> => {
    const cached = byId.get(id);
    if (cached?.keyring === keyring) return cached;
    const stored = await store.byId(id);
    if (stored?.keyring !== keyring) throw new Fault("internal", `keyring ${keyring} has no data key ${id}`);
    const key = await unwrap(stored);
    byId.set(id, key);
    return key;
  };

  return {
    async encrypt(keyring, name, plaintext): Promise<string> {
      const key = await keyFor(keyring);
      return await seal(key, new TextEncoder().encode(plaintext), boundTo("value", keyring, name));
    },

    async decrypt(keyring, name, ciphertext): Promise<string> {
      const sealed = readSealed(ciphertext);
      if (sealed === undefined) throw new Fault("internal", `"${name}" of ${keyring} is not a ciphertext`);
      const { key } = await keyById(sealed.keyId, keyring);
      const bytes = await open(key, sealed, boundTo("value", keyring, name));
      if (bytes === undefined) throw new Fault("internal", `"${name}" of ${keyring} does not decrypt`);
      return new TextDecoder().decode(bytes);
    },

    digest(scope, text): string {
      const [master] = masterKeys;
      if (master === undefined) throw new Fault("internal", "no master key is configured");
      const key = createHmac("sha256", master.bytes).update("unkey digests").digest();
      return createHmac("sha256", key).update(boundTo(scope, text)).digest("hex");
    },
  };
}

const TAG_BYTES = 16;

/** The length in bytes of the text behind a ciphertext, without decrypting it. */
export function plaintextBytes(ciphertext: string): number {
  return Math.max(0, (readSealed(ciphertext)?.ciphertext.length ?? 0) - TAG_BYTES);
}

/** Forgets the oldest entry when it is full. */
class BoundedCache<T> {
  readonly #entries = new Map<string, T>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    const oldest = this.#entries.size >= this.#max ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, value);
  }
}
