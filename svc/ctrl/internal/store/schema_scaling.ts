/** Tables of placements whose number of instances follows the load. */

/** A placement that is scaled, while it is started. */
export interface ScaledPlacementsTable {
  deployment_id: string;
  region: string;
  workspace_id: string;
  environment_id: string;
  /** See `encodeScaling`. */
  settings: string;
  /** 1: the deployment's own settings, which those of its environment do not replace. */
  is_own: 0 | 1;
  /** The last change of its number of instances; null: none yet. */
  changed_at: number | null;
  changed_from: number | null;
  /** Why, for a person. */
  reason: string | null;
}

/** A deployment that sleeps when it got no request for a while. The row is there while it is started. */
export interface DeploymentSleepsTable {
  deployment_id: string;
  workspace_id: string;
  environment_id: string;
  /** The time without a request. */
  after_seconds: number;
  /** 1: the deployment's own setting, which that of its environment does not replace. */
  is_own: 0 | 1;
  /** Since when none of its instances is wanted; null: it is awake. */
  asleep_at: number | null;
  /** When it was woken; its instances are wanted again. Both times end when they run. */
  woken_at: number | null;
}

/** The newest report of each reporter. */
export interface LoadReportsTable {
  /** A run of an edge, or the agent of a region. */
  reporter: string;
  kind: "edge" | "agent";
  /** The id of the edge in `agents`, or the region of the agent. */
  source: string;
  reported_at: number;
  /** See `encodeLoads`. */
  loads: string;
}

export interface ScalingTables {
  scaled_placements: ScaledPlacementsTable;
  deployment_sleeps: DeploymentSleepsTable;
  load_reports: LoadReportsTable;
}
