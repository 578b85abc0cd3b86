/** Environments that were deleted stay for the history of their deployments. */
import type { Migration } from "./migration.ts";
import { addColumns, integerOrZero } from "./table.ts";

export const environments: Migration = {
  name: "0002_environments",
  async up(db) {
    await addColumns(db, "environments", { deleted_at: integerOrZero() });
  },
};
