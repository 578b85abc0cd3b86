/** Tables of traces. */
import type { DeploymentStatus } from "../deployments/status.ts";

/** One for each deployment, made with it; deployments from before the table have none. */
export interface DeploymentTracesTable {
  deployment_id: string;
  /** 32 hexadecimal digits. */
  trace_id: string;
  /** The span of the caller that the deploy is a part of; empty: none. */
  parent_span_id: string;
  /** The caller's wish to have it exported; null: it has none. */
  is_sampled: 0 | 1 | null;
  started_at: number;
  /** The first time that the deployment was ready or had failed; null: its deploy goes on. */
  ended_at: number | null;
  /** The status at that time. */
  outcome: DeploymentStatus | null;
  /** Spans beyond the bound. */
  dropped_spans: number;
  /** Time at which its spans go to a collector; null: not before its end, or not any more. */
  export_at: number | null;
}

/** Work that is over. */
export interface DeploymentSpansTable {
  deployment_id: string;
  /** 16 hexadecimal digits that follow from the reporter and its key. */
  id: string;
  /** Empty: a part of the deploy itself. */
  parent_id: string;
  source: SpanSource;
  /** Empty where it belongs to none. */
  region: string;
  name: string;
  detail: string;
  status: SpanStatus;
  started_at: number;
  ended_at: number;
}

export type SpanSource = "client" | "api" | "worker" | "step" | "region";
export type SpanStatus = "done" | "failed" | "cached";

export interface TraceTables {
  deployment_traces: DeploymentTracesTable;
  deployment_spans: DeploymentSpansTable;
}
