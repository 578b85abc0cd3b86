/** Data keys of the vault, each encrypted by a master key. */
import type { Selectable } from "kysely";
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import type { DataKeyStore, RenewStore, ResealStore, StoredDataKey } from "../../../../pkg/vault/mod.ts";
import type { Queryable } from "./database.ts";
import type { DataKeysTable } from "./schema.ts";

/** The vault's keys in the table `data_keys`. */
export function dataKeyStore(db: Queryable): DataKeyStore {
  return {
    async newest(keyring): Promise<StoredDataKey | undefined> {
      // Both databases put keys that are not counted behind the others.
      const row = await db.selectFrom("data_keys").selectAll().where("keyring", "=", keyring)
        .orderBy("generation", "desc").orderBy("created_at", "desc").orderBy("id", "desc").limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : decode(row);
    },
    async byId(id): Promise<StoredDataKey | undefined> {
      const row = await db.selectFrom("data_keys").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? undefined : decode(row);
    },
    add: (key) => addDataKey(db, key),
    async countUses(id, uses): Promise<void> {
      await db.updateTable("data_keys").set((eb) => ({ uses: eb("uses", "+", uses) })).where("id", "=", id)
        .execute();
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

/** The same table, for new data keys. */
export function renewStore(db: Queryable): RenewStore {
  return {
    async listNewest(afterKeyring, { beforeMs, limit }) {
      const rows = await db.selectFrom("data_keys").where("keyring", ">", afterKeyring)
        .select((eb) => ["keyring", eb.fn.max("generation").as("generation")]).groupBy("keyring")
        .having((eb) => eb(eb.fn.max("created_at"), "<", beforeMs)).orderBy("keyring").limit(limit).execute();
      return rows.map(({ keyring, generation }) => ({ keyring, generation: Number(generation ?? 0) }));
    },
    add: (key) => addDataKey(db, key),
  };
}

async function addDataKey(
  db: Queryable,
  { id, keyring, encryptedKey, createdAtMs, generation, uses }: StoredDataKey,
): Promise<boolean> {
  const row = { id, keyring, encrypted_key: encryptedKey, created_at: createdAtMs, generation, uses };
  await insertIgnore(db, "data_keys", [row], ["keyring", "generation"]);
  const added = await db.selectFrom("data_keys").select("id").where("id", "=", id).executeTakeFirst();
  return added !== undefined;
}

function decode(row: Selectable<DataKeysTable>): StoredDataKey {
  return {
    id: row.id,
    keyring: row.keyring,
    encryptedKey: row.encrypted_key,
    createdAtMs: row.created_at,
    generation: row.generation ?? 0,
    uses: row.uses,
  };
}
