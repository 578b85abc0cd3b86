/** The time at which a deployment that lost its traffic is asked to end. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrNull } from "./table.ts";

export const stopTimes: Migration = {
  name: "0021_stop_times",
  async up(db) {
    await addColumns(db, "deployments", { stop_due_at: integerOrNull() });
  },
};
