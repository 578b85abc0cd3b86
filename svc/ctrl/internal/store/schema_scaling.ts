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
  load_reports: LoadReportsTable;
}
