/** Which regions are left out of routing. */
import type { Migration } from "./migration.ts";
import { createTable, integer, text } from "./table.ts";

export const silentRegions: Migration = {
  name: "0006_silent_regions",
  async up(db) {
    await createTable(db, {
      name: "silent_regions",
      columns: { region: text(64), since: integer() },
      primaryKey: ["region"],
    });
  },
};
