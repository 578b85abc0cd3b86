/** Where the vault keeps its data keys. */
import type { DataKeyStore, StoredDataKey } from "../../../../pkg/vault/mod.ts";
import type { Queryable } from "./database.ts";
import type { DataKeysTable } from "./schema.ts";

/** The vault's keys in the table `data_keys`. */
export function dataKeyStore(db: Queryable): DataKeyStore {
  return {
    async newest(keyring): Promise<StoredDataKey | undefined> {
      const row = await db.selectFrom("data_keys").selectAll().where("keyring", "=", keyring)
        .orderBy("created_at", "desc").orderBy("id", "desc").limit(1).executeTakeFirst();
      return row === undefined ? undefined : decode(row);
    },
    async byId(id): Promise<StoredDataKey | undefined> {
      const row = await db.selectFrom("data_keys").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? undefined : decode(row);
    },
    async add({ id, keyring, encryptedKey, createdAtMs }): Promise<void> {
      const row: DataKeysTable = { id, keyring, encrypted_key: encryptedKey, created_at: createdAtMs };
      await db.insertInto("data_keys").values(row).execute();
    },
  };
}

function decode(row: DataKeysTable): StoredDataKey {
  return { id: row.id, keyring: row.keyring, encryptedKey: row.encrypted_key, createdAtMs: row.created_at };
}
