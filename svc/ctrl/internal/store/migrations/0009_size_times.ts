/** The time at which the size of an environment was set. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrZero } from "./table.ts";

export const sizeTimes: Migration = {
  name: "0009_size_times",
  up: (db) => addColumns(db, "environments", { size_set_at: integerOrZero() }),
};
