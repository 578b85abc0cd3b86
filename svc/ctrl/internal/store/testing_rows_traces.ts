import type { TraceTables } from "./mod.ts";

/** One row of each table of traces. */
export const TRACE_ROWS: TraceTables = {
  deployment_traces: {
    deployment_id: "d",
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    parent_span_id: "00f067aa0ba902b7",
    is_sampled: 1,
    started_at: 1,
    ended_at: Number.MAX_SAFE_INTEGER,
    outcome: "superseded",
    dropped_spans: 3,
    export_at: 4,
  },
  deployment_spans: {
    deployment_id: "d",
    id: "53995c3f42cd8ad8",
    parent_id: "",
    source: "region",
    region: "local",
    name: "pull",
    detail: "nginx:1.29",
    status: "cached",
    started_at: 1,
    ended_at: 2,
  },
};
