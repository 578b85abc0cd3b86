/** Tables of placements, instances, routes, sentinels, agents, the change feed, and limits of workspaces. */
export * from "./schema_protections.ts";

export interface DeploymentTopologyTable {
  deployment_id: string;
  region: string;
  workspace_id: string;
  desired_replicas: number;
  desired_status: "started" | "stopped";
  /** The region's version at the last change of this row. */
  version: number;
  /** The newest report that was taken; older ones are ignored. */
  reported_generation: number;
  created_at: number;
  updated_at: number;
}

export interface InstancesTable {
  id: string;
  deployment_id: string;
  workspace_id: string;
  project_id: string;
  region: string;
  /** Name of the pod or container; unique per region. */
  k8s_name: string;
  /** host:port, empty while there is none. */
  address: string;
  cpu_millicores: number;
  memory_mib: number;
  status: "inactive" | "pending" | "running" | "failed";
  reason: string;
  message: string;
  exit_code: number | null;
  restarts: number;
  /** JSON array of strings. */
  last_log_lines: string;
  /** JSON of `InstanceEnd`; null: no run has ended. */
  last_end: string | null;
  /** Since when it has its present reason; null: it has none, or has had it from before this was kept. */
  trouble_since: number | null;
  created_at: number;
  updated_at: number;
}

/** Something that befell an instance, or the same several times. */
export interface InstanceEventsTable {
  deployment_id: string;
  region: string;
  /** Of kind, reason and message. */
  fingerprint: string;
  first_at: number;
  last_at: number;
  times: number;
  kind: "ended" | "trouble" | "recovered" | "scaled";
  reason: string;
  message: string;
  /** The instance that it befell last. */
  instance: string;
  exit_code: number | null;
}

export interface FrontlineRoutesTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  deployment_id: string;
  /** Unique everywhere; lower case. */
  hostname: string;
  sticky: "none" | "branch" | "environment" | "live" | "custom";
  created_at: number;
  updated_at: number;
}

/** The proxy of one environment in one region. */
export interface SentinelsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  region: string;
  /** Name of its objects in the cluster; unique everywhere. */
  k8s_name: string;
  /** host:port of its service, as seen inside the cluster. */
  k8s_address: string;
  image: string;
  desired_replicas: number;
  cpu_millicores: number;
  memory_mib: number;
  desired_state: "running" | "archived";
  /** The region's version at the last change of what is desired. */
  version: number;
  health: "unknown" | "paused" | "healthy" | "unhealthy";
  available_replicas: number;
  /** The newest report that was taken; older ones are ignored. */
  reported_generation: number;
  /** SHA-256 of its token, hex. */
  token_hash: string;
  /** The token, for its own region's agent only. */
  encrypted_token: string;
  created_at: number;
  updated_at: number;
}

export interface RegionVersionsTable {
  region: string;
  version: number;
}

export interface StateChangesTable {
  region: string;
  version: number;
  resource_type: ChangedResource;
  resource_id: string;
  created_at: number;
}

/** Kinds of resources in the feeds. Deployments and sentinels live in agents' regions, the others in `*`. */
export type ChangedResource =
  | "deployment"
  | "sentinel"
  | "route"
  | "endpoints"
  | "certificate"
  | "down_region";

/** Heartbeats of agents and edges, with the progress of each in its feed. */
export interface AgentsTable {
  agent_id: string;
  region: string;
  applied_version: number;
  observed_version: number;
  last_seen_at: number;
  last_nack_resource: string | null;
  last_nack_error: string | null;
  last_nack_at: number | null;
  /** Where an edge runs; null: an agent, or an edge that has not said. */
  edge_region: string | null;
  /** The additions to its feed that an edge knows; 0: a release that has not said. See `FEED_REVISION`. */
  feed_revision: number;
}

/** Regions that are down: routing leaves them out. */
export interface SilentRegionsTable {
  region: string;
  since: number;
}

/** One row for each part of the platform, which shows that the database still takes writes. */
export interface WriteProbesTable {
  part: string;
  written_at: number;
}

/** Api processes that want to be nudged after a commit elsewhere; rows past their lease are dead. */
export interface ApiProcessesTable {
  id: string;
  nudge_url: string;
  lease_expires_at: number;
  /** Counts additions to the feed of the edges; 0: a release that knows no protection. See `FEED_REVISION`. */
  feed_revision: number;
}

/** Workers that run, and those that were lost. */
export interface WorkerProcessesTable {
  id: string;
  started_at: number;
  last_seen_at: number;
}

export interface ProcessTables {
  api_processes: ApiProcessesTable;
  worker_processes: WorkerProcessesTable;
}

/** Limits that an operator has set, by their names in `internal/limits`. */
export interface WorkspaceLimitsTable {
  workspace_id: string;
  name: string;
  value: number;
  updated_at: number;
}
