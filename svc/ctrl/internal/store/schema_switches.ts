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
  /** The gradual switch that it is a step or the end of. */
  gradual_switch_id: string | null;
  /** The share of the requests that `deployment_id` gets; null: all. */
  percent: number | null;
}

/** `gradual`: a share of the traffic moved. `abort`: what a gradual switch had moved went back. */
export type SwitchCause = "deploy" | "promote" | "rollback" | "gradual" | "abort";

/** The state of a gradual switch: `aborted` by its gate, `cancelled` by a person, `replaced` by another switch. */
export type GradualState = "running" | "completed" | "aborted" | "cancelled" | "replaced";

/** A move of live traffic in steps. */
export interface GradualSwitchesTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  environment_slug: string;
  /** It gets more and more of the requests. */
  deployment_id: string;
  /** It is live until the end. */
  former_deployment_id: string;
  /** The environment's id while it runs, which makes it the only one there. */
  running_in: string | null;
  /** JSON: shares of the requests, in percent, before the last step, which is all. */
  steps: string;
  /** Null: a person orders each step. */
  every_ms: number | null;
  is_sticky: 0 | 1;
  /** The index of the current one in `steps`. */
  step: number;
  step_started_at: number;
  /** Looks at evidence that was new. */
  looks: number;
  /** Requests of the new deployment at the last one of these. */
  requests_seen: number;
  /** Looks in a row that found no running instance of the new deployment. */
  looks_without_instance: number;
  /** The last look, new evidence or not. */
  looked_at: number;
  /** JSON of the last evidence. */
  evidence: string | null;
  state: GradualState;
  /** Why it ended. */
  reason: string | null;
  /** JSON: the actor who began it. */
  actor: string;
  created_at: number;
  ended_at: number | null;
}

/** A deploy that is to get its environment's requests in steps; gone when it is ready or has ended. */
export interface GradualOrdersTable {
  deployment_id: string;
  workspace_id: string;
  /** JSON, as in `gradual_switches`. */
  steps: string;
  every_ms: number | null;
  is_sticky: 0 | 1;
  /** JSON: the actor who asked for the deploy. */
  actor: string;
  created_at: number;
}

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
  gradual_switches: GradualSwitchesTable;
  gradual_orders: GradualOrdersTable;
}
