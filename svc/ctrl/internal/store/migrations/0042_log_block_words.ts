/** The levels and words of each block of output, apart from the blocks: a search passes over most of them. */
import type { Migration } from "./migration.ts";
import { bytes, createTable, integer, text } from "./table.ts";

export const logBlockWords: Migration = {
  name: "0042_log_block_words",
  up: (db) =>
    createTable(db, {
      name: "log_block_words",
      columns: {
        deployment_id: text(128),
        last_time_ns: text(20),
        region: text(64),
        instance: text(255),
        last_ordinal: integer(),
        levels: integer(),
        words: bytes(),
      },
      primaryKey: ["deployment_id", "last_time_ns", "region", "instance", "last_ordinal"],
    }),
};
