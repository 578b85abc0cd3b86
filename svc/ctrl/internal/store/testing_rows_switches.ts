import type { Schema, SwitchTables } from "./mod.ts";

/** One row of each table of switches, and of the live pointer's history. */
export const SWITCH_ROWS: SwitchTables & Pick<Schema, "live_history"> = {
  live_history: {
    environment_id: "e",
    sequence: Number.MAX_SAFE_INTEGER,
    deployment_id: "d",
    previous_deployment_id: "d0",
    created_at: 1,
  },
  traffic_switches: {
    id: "sw",
    workspace_id: "w",
    project_id: "p",
    environment_id: "e",
    environment_slug: "production",
    deployment_id: "d",
    previous_deployment_id: "d0",
    cause: "rollback",
    edge_version: Number.MAX_SAFE_INTEGER,
    created_at: 1,
    superseded_at: 2,
    ended_at: 3,
    failed_by_edge: 4,
    failed_by_former: 5,
    failed_by_target: 6,
  },
  traffic_switch_edges: {
    switch_id: "sw",
    agent_id: "*:edge",
    region: "local",
    acknowledged_at: 1,
    counted_until: 2,
  },
  traffic_switch_failures: {
    switch_id: "sw",
    agent_id: "*:edge",
    deployment_id: "d",
    slot: Number.MAX_SAFE_INTEGER,
    ended_at: 1,
    by_edge: 2,
    by_instance: 3,
  },
};
