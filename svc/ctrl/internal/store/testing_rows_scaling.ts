import type { ScalingTables } from "./schema_scaling.ts";

const FAR = Number.MAX_SAFE_INTEGER;

/** One row of each table of scaling. */
export const SCALING_ROWS: ScalingTables = {
  scaled_placements: {
    deployment_id: "d",
    region: "local",
    workspace_id: "w",
    environment_id: "e",
    settings: '{"min":1,"max":5}',
    is_own: 1,
    changed_at: FAR,
    changed_from: 2,
    reason: "more requests",
  },
  deployment_sleeps: {
    deployment_id: "d",
    workspace_id: "w",
    environment_id: "e",
    after_seconds: 600,
    is_own: 0,
    asleep_at: FAR,
    woken_at: null,
  },
  load_reports: {
    reporter: "p-0",
    kind: "edge",
    source: "*:edge",
    reported_at: FAR,
    loads: "[]",
  },
};
