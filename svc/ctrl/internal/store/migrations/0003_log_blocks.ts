/** Output of instances in compressed blocks, in place of one row for each line. */
import { sql } from "kysely";
import type { Migration } from "./migration.ts";
import { bytes, createTable, integer, text } from "./table.ts";

export const logBlocks: Migration = {
  name: "0003_log_blocks",
  async up(db) {
    await createTable(db, {
      name: "log_blocks",
      columns: {
        deployment_id: text(128),
        instance: text(255),
        last_time_ns: text(20),
        last_ordinal: integer(),
        first_time_ns: text(20),
        region: text(64),
        line_count: integer(),
        size_bytes: integer(),
        body: bytes(),
      },
      primaryKey: ["deployment_id", "region", "instance", "last_time_ns", "last_ordinal"],
      indices: [["deployment_id", "last_time_ns"]],
    });
    await sql`drop table if exists instance_logs`.execute(db);
  },
};
