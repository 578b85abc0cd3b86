/** The time that an app has to start. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrZero } from "./table.ts";

export const startTimes: Migration = {
  name: "0008_start_times",
  up: (db) => addColumns(db, "deployments", { start_seconds: integerOrZero() }),
};
