/** What was live before, for rollbacks, and which starts of stopped deployments are under way. */
import type { Migration } from "./migration.ts";
import { createTable, integer, text, textOrNull } from "./table.ts";

const id = text(128);

export const lifecycle: Migration = {
  name: "0005_lifecycle",
  async up(db) {
    await createTable(db, {
      name: "live_history",
      columns: {
        environment_id: id,
        sequence: integer(),
        deployment_id: id,
        previous_deployment_id: textOrNull(128),
        created_at: integer(),
      },
      primaryKey: ["environment_id", "sequence"],
      indices: [["environment_id", "deployment_id", "sequence"]],
    });
    await createTable(db, {
      name: "deployment_starts",
      columns: { deployment_id: id, start_id: id, created_at: integer() },
      primaryKey: ["deployment_id"],
    });
  },
};
