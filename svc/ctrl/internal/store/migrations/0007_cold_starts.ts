/** Whether a start began with a stopped deployment, so that whoever takes it back stops it again. */
import type { Migration } from "./migration.ts";
import { addColumns, integerOrZero } from "./table.ts";

export const coldStarts: Migration = {
  name: "0007_cold_starts",
  async up(db) {
    await addColumns(db, "deployment_starts", { is_cold: integerOrZero() });
  },
};
