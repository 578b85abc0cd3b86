/** Worker processes and their heartbeats. */
import type { Migration } from "./migration.ts";
import { createTable, integer, text } from "./table.ts";

export const workerProcesses: Migration = {
  name: "0048_worker_processes",
  async up(db) {
    await createTable(db, {
      name: "worker_processes",
      columns: { id: text(128), started_at: integer(), last_seen_at: integer() },
      primaryKey: ["id"],
      indices: [["last_seen_at"]],
    });
  },
};
