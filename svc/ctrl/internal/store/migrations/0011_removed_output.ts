/** Of which deployments the output was removed, and an index for those that are next. */
import type { Migration } from "./migration.ts";
import { addColumns, addIndex, integerOrNull } from "./table.ts";

export const removedOutput: Migration = {
  name: "0011_removed_output",
  async up(db) {
    await addColumns(db, "deployments", { output_removed_at: integerOrNull() });
    await addIndex(db, "deployments", ["output_removed_at", "updated_at"]);
  },
};
