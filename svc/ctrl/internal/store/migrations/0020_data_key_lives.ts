/** Data keys that are replaced in time, and that only one process makes. */
import { addColumns, addUniqueIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrNull, integerOrZero } from "./table.ts";

export const dataKeyLives: Migration = {
  name: "0020_data_key_lives",
  async up(db) {
    // Null in rows of older versions: a keyring may have several of those.
    await addColumns(db, "data_keys", { generation: integerOrNull(), uses: integerOrZero() });
    await addUniqueIndex(db, "data_keys", ["keyring", "generation"]);
  },
};
