/** The end of an instance's last run, which stays while it runs again. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { longTextOrNull } from "./table.ts";

export const instanceEnds: Migration = {
  name: "0005_instance_ends",
  up: (db) => addColumns(db, "instances", { last_end: longTextOrNull() }),
};
