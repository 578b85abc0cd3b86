/** Rows that only show that the database still takes writes. */
import type { Migration } from "./migration.ts";
import { createTable, integer, text } from "./table.ts";

export const writeProbes: Migration = {
  name: "0023_write_probes",
  up: (db) =>
    createTable(db, {
      name: "write_probes",
      columns: { part: text(32), written_at: integer() },
      primaryKey: ["part"],
    }),
};
