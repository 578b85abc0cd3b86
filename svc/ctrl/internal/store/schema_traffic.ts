/** Tables of the live pointer's moves, of starts and requests, and of what views show. */
import type { ScalingTables } from "./schema_scaling.ts";

/** Every move of an environment's live pointer, numbered per environment. */
export interface LiveHistoryTable {
  environment_id: string;
  sequence: number;
  deployment_id: string;
  previous_deployment_id: string | null;
  created_at: number;
}

/** The last request of each deployment that got one, in the database's time. */
export interface DeploymentRequestsTable {
  deployment_id: string;
  last_request_at: number;
}

/** Starts of stopped deployments that are under way. */
export interface DeploymentStartsTable {
  deployment_id: string;
  /** The key of the workflow. */
  start_id: string;
  created_at: number;
  /** The deployment was stopped before. */
  is_cold: 0 | 1;
}

/** Counts changes of a deployment's topology, routes and instances; a deployment without a row counts as 0. */
export interface ShownRevisionsTable {
  deployment_id: string;
  revision: number;
}

/** The requests of a deployment in an interval. */
export interface DeploymentTrafficTable {
  deployment_id: string;
  /** 10: an interval of one edge process; 60 and 3,600: the sum over those of a region. */
  step_seconds: number;
  started_at: number;
  /** Where the edges run. */
  region: string;
  /** Empty in a sum. */
  process_id: string;
  /** The beginning of the longer interval that it belongs to; of the longest ones, their own. */
  sum_started_at: number;
  /** See `encodeCounts`. */
  counts: string;
}

/** Sums of traffic that are to be made, or made again after a late report. */
export interface TrafficSumsDueTable {
  step_seconds: number;
  started_at: number;
  /** Another one after each report: a sum without the report is not the last one. */
  mark: string;
}

export interface TrafficTables extends ScalingTables {
  deployment_traffic: DeploymentTrafficTable;
  traffic_sums_due: TrafficSumsDueTable;
}
