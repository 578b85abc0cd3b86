/** Moves of live traffic, with the acknowledgement of each edge and the failed requests around them. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, integerOrZero, text, textOrNull } from "./table.ts";

export const trafficSwitches: Migration = {
  name: "0032_traffic_switches",
  async up(db) {
    await addColumns(db, "agents", { edge_region: textOrNull(64) });
    await createTable(db, {
      name: "traffic_switches",
      columns: {
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        environment_id: text(128),
        environment_slug: text(64),
        deployment_id: text(128),
        previous_deployment_id: textOrNull(128),
        cause: text(16),
        edge_version: integer(),
        created_at: integer(),
        superseded_at: integerOrNull(),
        ended_at: integerOrNull(),
        failed_by_edge: integerOrZero(),
        failed_by_former: integerOrZero(),
        failed_by_target: integerOrZero(),
      },
      primaryKey: ["id"],
      indices: [
        ["workspace_id", "created_at", "id"],
        ["project_id", "created_at", "id"],
        ["deployment_id", "created_at", "id"],
        ["environment_id", "created_at"],
        ["ended_at", "created_at"],
        ["created_at"],
      ],
    });
    await createTable(db, {
      name: "traffic_switch_edges",
      columns: {
        switch_id: text(128),
        agent_id: text(128),
        region: text(64),
        acknowledged_at: integerOrNull(),
        counted_until: integerOrNull(),
      },
      primaryKey: ["switch_id", "agent_id"],
    });
    await createTable(db, {
      name: "traffic_switch_failures",
      columns: {
        switch_id: text(128),
        agent_id: text(128),
        deployment_id: text(128),
        slot: integer(),
        ended_at: integer(),
        by_edge: integer(),
        by_instance: integer(),
      },
      primaryKey: ["switch_id", "agent_id", "deployment_id", "slot"],
    });
  },
};
