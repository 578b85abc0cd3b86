/** Moves of live traffic in steps, and the share of each step in the receipts of switches. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longTextOrNull, text, textOrNull } from "./table.ts";

export const gradualSwitches: Migration = {
  name: "0041_gradual_switches",
  async up(db) {
    await addColumns(db, "traffic_switches", {
      gradual_switch_id: textOrNull(128),
      percent: integerOrNull(),
    });
    await createTable(db, {
      name: "gradual_switches",
      columns: {
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        environment_id: text(128),
        environment_slug: text(64),
        deployment_id: text(128),
        former_deployment_id: text(128),
        running_in: textOrNull(128),
        steps: text(255),
        every_ms: integerOrNull(),
        is_sticky: integer(),
        step: integer(),
        step_started_at: integer(),
        looks: integer(),
        requests_seen: integer(),
        looks_without_instance: integer(),
        looked_at: integer(),
        evidence: longTextOrNull(),
        state: text(16),
        reason: longTextOrNull(),
        actor: text(1_024),
        created_at: integer(),
        ended_at: integerOrNull(),
      },
      primaryKey: ["id"],
      uniques: [["running_in"]],
      indices: [
        ["workspace_id", "created_at", "id"],
        ["project_id", "created_at", "id"],
        ["deployment_id", "created_at", "id"],
        ["ended_at", "created_at"],
        ["ended_at", "looked_at"],
      ],
    });
  },
};
