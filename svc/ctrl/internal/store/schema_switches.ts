/** Tables of moves of live traffic, and of their receipts. */

/** One for each move of an environment's live traffic, made with it. */
export interface TrafficSwitchesTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  environment_slug: string;
  /** It serves from now on. */
  deployment_id: string;
  /** Null: nothing was live. */
  previous_deployment_id: string | null;
  cause: SwitchCause;
  /** An edge whose table is at this version routes as the switch wants. */
  edge_version: number;
  created_at: number;
  /** The commit of the environment's next switch; null: there was none while this one was open. */
  superseded_at: number | null;
  /** Since then the numbers below are final; null: they follow from the failures that were reported. */
  ended_at: number | null;
  failed_by_edge: number;
  failed_by_former: number;
  failed_by_target: number;
}

export type SwitchCause = "deploy" | "promote" | "rollback";

/** Edges that were alive at the commit. */
export interface TrafficSwitchEdgesTable {
  switch_id: string;
  agent_id: string;
  /** Empty: the edge has not said. */
  region: string;
  acknowledged_at: number | null;
  /** Failed requests up to then have been reported. */
  counted_until: number | null;
}

/** Failed requests of a slot of 250 ms, until the switch ends. Slots without any have no row. */
export interface TrafficSwitchFailuresTable {
  switch_id: string;
  agent_id: string;
  deployment_id: string;
  /** By the edge's clock. */
  slot: number;
  /** By the clock of the control plane. */
  ended_at: number;
  by_edge: number;
  by_instance: number;
}

export interface SwitchTables {
  traffic_switches: TrafficSwitchesTable;
  traffic_switch_edges: TrafficSwitchEdgesTable;
  traffic_switch_failures: TrafficSwitchFailuresTable;
}
