/** What a deployment that failed left behind: exit code and last output. */
import type { Migration } from "./migration.ts";
import { addColumns, longTextOrNull } from "./table.ts";

export const failureDetails: Migration = {
  name: "0002_failure_details",
  async up(db) {
    await addColumns(db, "deployments", { failure_details: longTextOrNull() });
  },
};
