/** Data keys of the vault, each encrypted by a master key. */
import type { DataKeyStore, ResealStore, StoredDataKey } from "../../../../pkg/vault/mod.ts";
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

/** The same table, for the rotation of master keys. */
export function resealStore(db: Queryable): ResealStore {
  return {
    async listAfter(afterId, limit): Promise<StoredDataKey[]> {
      const rows = await db.selectFrom("data_keys").selectAll().where("id", ">", afterId)
        .orderBy("id").limit(limit).execute();
      return rows.map(decode);
    },
    async replace(id, { from, to }): Promise<boolean> {
      const { numUpdatedRows } = await db.updateTable("data_keys").set({ encrypted_key: to })
        .where("id", "=", id).where("encrypted_key", "=", from).executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}

function decode(row: DataKeysTable): StoredDataKey {
  return { id: row.id, keyring: row.keyring, encryptedKey: row.encrypted_key, createdAtMs: row.created_at };
}
