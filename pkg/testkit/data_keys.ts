import type { DataKeyStore, StoredDataKey } from "../vault/mod.ts";

/** A vault's keys in memory, with the rules of the database: a keyring has one key of each generation. */
export class MemoryDataKeys implements DataKeyStore {
  keys: StoredDataKey[] = [];

  newest(keyring: string): Promise<StoredDataKey | undefined> {
    const own = this.keys.filter((key) => key.keyring === keyring);
    return Promise.resolve(own.sort((one, other) => one.generation - other.generation).at(-1));
  }

  byId(id: string): Promise<StoredDataKey | undefined> {
    return Promise.resolve(this.keys.find((key) => key.id === id));
  }

  add(key: StoredDataKey): Promise<boolean> {
    const isTaken = this.keys.some(({ keyring, generation }) =>
      keyring === key.keyring && generation === key.generation
    );
    if (!isTaken) this.keys.push(key);
    return Promise.resolve(!isTaken);
  }

  countUses(id: string, uses: number): Promise<void> {
    this.keys = this.keys.map((key) => key.id === id ? { ...key, uses: key.uses + uses } : key);
    return Promise.resolve();
  }
}
