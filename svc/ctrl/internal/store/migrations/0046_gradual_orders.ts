/** Deploys that are to get their environment's requests in steps. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, text } from "./table.ts";

export const gradualOrders: Migration = {
  name: "0046_gradual_orders",
  async up(db) {
    await createTable(db, {
      name: "gradual_orders",
      columns: {
        deployment_id: text(128),
        workspace_id: text(128),
        steps: text(255),
        every_ms: integerOrNull(),
        is_sticky: integer(),
        actor: text(1_024),
        created_at: integer(),
      },
      primaryKey: ["deployment_id"],
    });
  },
};
