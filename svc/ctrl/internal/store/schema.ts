/**
 * The tables, as TypeScript sees them. The SQL that makes them is in `migrations/`.
 *
 * Times are integer milliseconds since the epoch. Identifiers, hashes and hostnames compare bytewise on both databases.
 * JSON columns hold text; they are decoded in this folder. Versions and sequences stay far below 2^53, so
 * they are numbers here and 64-bit integers in the database.
 */
import type {
  ChunksTable,
  ContextPacksTable,
  ContextsTable,
  OpenApiDocumentsTable,
  PacksTable,
  UploadsTable,
} from "./schema_content.ts";
import type {
  AcmeAccountsTable,
  AcmeChallengesTable,
  AcmeDirectoriesTable,
  AcmeOrdersTable,
  CertificateOrdersTable,
  CertificatesTable,
} from "./schema_certificates.ts";
import type { CustomDomainsTable, HeldHostnamesTable } from "./schema_domains.ts";
import type { DeploymentStatus, FailureCode } from "../deployments/status.ts";
import type { AuditAction, AuditActorKind, AuditResourceType } from "./types.ts";
import type {
  AgentsTable,
  DeploymentTopologyTable,
  FrontlineRoutesTable,
  InstanceEventsTable,
  InstancesTable,
  ProcessTables,
  RegionVersionsTable,
  SentinelsTable,
  SilentRegionsTable,
  StateChangesTable,
  WorkspaceLimitsTable,
  WriteProbesTable,
} from "./schema_regions.ts";
import type {
  DeploymentRequestsTable,
  DeploymentStartsTable,
  LiveHistoryTable,
  ShownRevisionsTable,
  TrafficTables,
} from "./schema_traffic.ts";
import type { LoginCodesTable, RegionTokensTable, SessionsTable } from "./schema_credentials.ts";
import type { LogTables } from "./schema_logs.ts";
import type { SwitchTables } from "./schema_switches.ts";
import type { ProtectionTables } from "./schema_protections.ts";
import type { TaskTables } from "./schema_tasks.ts";
import type { TraceTables } from "./schema_traces.ts";

export * from "./schema_regions.ts";
export * from "./schema_scaling.ts";
export * from "./schema_tasks.ts";
export * from "./schema_traffic.ts";

/** A truth value, which both databases store as 0 or 1. */
export type Flag = 0 | 1;

export interface WorkspacesTable {
  id: string;
  name: string;
  slug: string;
  k8s_namespace: string | null;
  created_at: number;
  updated_at: number;
}

export interface ProjectsTable {
  id: string;
  workspace_id: string;
  name: string;
  /** Unique in its workspace. */
  slug: string;
  default_branch: string;
  depot_project_id: string | null;
  /** JSON array of strings. */
  command: string;
  created_at: number;
  updated_at: number;
}

export interface EnvironmentsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  /** Unique in its project. A deleted one has its id behind a colon, so that the name is free again. */
  slug: string;
  description: string;
  live_deployment_id: string | null;
  is_rolled_back: Flag;
  /** JSON of `SizeSettings`; null: nothing is set. */
  size: string | null;
  /** When it was set or reset; 0: never. */
  size_set_at: number;
  /** A deployment without requests for so long is stopped; 0: never, null: the operator's value. */
  idle_end_seconds: number | null;
  /** JSON of `AppSettings`; null: none is set. */
  app_settings: string | null;
  /** The sequence that the next deployment of this environment gets. */
  next_sequence: number;
  created_at: number;
  updated_at: number;
  /** 0: it exists. */
  deleted_at: number;
}

export interface EnvironmentVariablesTable {
  id: string;
  workspace_id: string;
  environment_id: string;
  name: string;
  ciphertext: string;
  created_at: number;
  updated_at: number;
}

/** Data keys, each encrypted by a master key; the newest of a keyring encrypts, all of them decrypt. */
export interface DataKeysTable {
  id: string;
  keyring: string;
  encrypted_key: string;
  created_at: number;
  /** From 1; null: made before they were counted. */
  generation: number | null;
  uses: number;
}

export interface RootKeysTable {
  id: string;
  workspace_id: string;
  name: string;
  /** SHA-256 of the key, hex. */
  hash: string;
  start: string;
  /** JSON array of strings. */
  permissions: string;
  created_at: number;
  revoked_at: number | null;
}

/** Credentials of a workspace's builds for a registry. */
export interface RegistryCredentialsTable {
  workspace_id: string;
  /** Unique in its workspace, as `parseRegistryHost` gives it. */
  host: string;
  username: string;
  /** Password or token, sealed by the vault. */
  ciphertext: string;
  created_at: number;
  updated_at: number;
}

/** Inputs of a deployment's build beside its archive. */
export interface BuildInputsTable {
  deployment_id: string;
  /** `null`: the archive holds it. */
  dockerfile: Uint8Array | null;
  /** JSON of `BuildInputSettings`. */
  settings: string;
  /** JSON object of secret id to ciphertext; empty as soon as the build is over. */
  sealed_secrets: string;
  created_at: number;
}

export interface DeploymentsTable {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  k8s_name: string;
  /** Grows per environment, given at create: the newest wins. */
  sequence: number;
  source: "context" | "image";
  build_context_path: string | null;
  dockerfile_path: string | null;
  /** Set at create, or by the build. */
  image: string | null;
  build_id: string | null;
  git_commit_sha: string;
  git_branch: string;
  git_commit_message: string;
  git_commit_author_handle: string;
  git_commit_author_avatar_url: string;
  git_commit_timestamp: number;
  /** JSON array of strings. */
  command: string;
  port: number;
  health_check_path: string;
  /** Until it listens or its health check succeeds; 0: the time that the worker gives. */
  start_seconds: number;
  /** "h2c"; null: HTTP/1.1. */
  app_protocol: string | null;
  /** The host that health checks name, from the placement on; null before, and for older deployments. */
  health_check_host: string | null;
  /** JSON of `AppSnapshot`; null for older deployments. */
  app_settings: string | null;
  /** JSON of the image's configuration, from the placement on; null where it is not known. */
  image_config: string | null;
  cpu_millicores: number;
  memory_mib: number;
  /** Instances in each region; 0: the number that the worker gives. */
  replicas: number;
  /** JSON object of name to ciphertext: the environment's variables at create. */
  encrypted_environment_variables: string;
  status: DeploymentStatus;
  failure_code: FailureCode | null;
  /** The public text; internal texts are never stored. */
  error_message: string | null;
  /** JSON of `FailureDetails`; null when it did not fail, or left nothing behind. */
  failure_details: string | null;
  /** JSON of `StopNote`; null unless it is stopped, and for stops from before the column. */
  stop_note: string | null;
  /** When it is stopped, after its traffic went; null: not scheduled. Each change of status forgets it. */
  stop_due_at: number | null;
  idempotency_key: string | null;
  /** SHA-256 of the create request with the idempotency key, hex. */
  request_fingerprint: string | null;
  /** The deployment whose source or image this one took over. */
  redeploy_of: string | null;
  /** Time at which the workflow was handed to Restate; null: the sweeper has to do it. */
  submitted_at: number | null;
  cancel_requested_at: number | null;
  next_event_sequence: number;
  created_at: number;
  updated_at: number;
  ended_at: number | null;
  /** Since when its image is no longer kept, so that it cannot run again; null: it is, as far as the platform decides. */
  image_removed_at: number | null;
  /** Time at which its output was removed; `null`: not since it ran last. */
  output_removed_at: number | null;
  /** Equal for builds of the project whose images are interchangeable; `null`: nothing is known about that. */
  build_key: string | null;
  /** Time at which its own build was done; `null`: its image is another one's. */
  image_built_at: number | null;
  /** The deployment whose build made the image that this one used again; `null`: it did not. */
  image_source_deployment_id: string | null;
}

/** Events of a deployment, numbered without gaps from 1. */
export interface DeploymentEventsTable {
  deployment_id: string;
  sequence: number;
  kind: "status" | "step" | "log" | "notice";
  /** JSON, see `events.ts`. */
  payload: string;
  created_at: number;
}

export interface DeploymentStepsTable {
  deployment_id: string;
  name: "queued" | "building" | "deploying" | "network";
  status: "running" | "done" | "failed";
  message: string;
  error_message: string;
  started_at: number;
  ended_at: number | null;
}

/** Builds that hold one of their workspace's slots, and builds that wait. Only the slot service writes it. */
export interface BuildSlotsTable {
  deployment_id: string;
  workspace_id: string;
  /** `offered`: set aside for a build whose workflow has yet to take it. */
  state: "waiting" | "offered" | "holding";
  /** When the deployment was created. */
  enqueued_at: number;
  /** Builds take their turn in the order of this: the time of creation, and later for builds that may be overtaken. */
  turn_at: number;
  /** Time at which the slot goes to the next build, whatever became of its holder; null while waiting. */
  lease_until: number | null;
  /** Names the wait that is to be woken. */
  ticket: number;
  /** The place, roughly, that was reported to the user last. */
  reported_ahead: number | null;
}

/** Changes with their actors, written in the transaction of the change. Rows are never updated. */
export interface AuditLogTable {
  id: string;
  /** Empty for what belongs to no workspace. */
  workspace_id: string;
  actor_kind: AuditActorKind;
  /** The root key's id; empty for the others. */
  actor_id: string;
  actor_name: string;
  action: AuditAction;
  resource_type: AuditResourceType;
  resource_id: string;
  /** Empty where there is none. */
  project_id: string;
  environment_id: string;
  /** JSON object of further facts, without secrets. */
  facts: string;
  created_at: number;
}

/** All tables. */
export interface Schema
  extends LogTables, TraceTables, SwitchTables, TrafficTables, ProtectionTables, ProcessTables, TaskTables {
  audit_log: AuditLogTable;
  workspaces: WorkspacesTable;
  workspace_limits: WorkspaceLimitsTable;
  projects: ProjectsTable;
  environments: EnvironmentsTable;
  environment_variables: EnvironmentVariablesTable;
  data_keys: DataKeysTable;
  root_keys: RootKeysTable;
  registry_credentials: RegistryCredentialsTable;
  login_codes: LoginCodesTable;
  sessions: SessionsTable;
  openapi_documents: OpenApiDocumentsTable;
  region_tokens: RegionTokensTable;
  uploads: UploadsTable;
  packs: PacksTable;
  chunks: ChunksTable;
  contexts: ContextsTable;
  context_packs: ContextPacksTable;
  build_inputs: BuildInputsTable;
  deployments: DeploymentsTable;
  deployment_events: DeploymentEventsTable;
  deployment_steps: DeploymentStepsTable;
  build_slots: BuildSlotsTable;
  deployment_topology: DeploymentTopologyTable;
  instances: InstancesTable;
  instance_events: InstanceEventsTable;
  frontline_routes: FrontlineRoutesTable;
  sentinels: SentinelsTable;
  region_versions: RegionVersionsTable;
  state_changes: StateChangesTable;
  live_history: LiveHistoryTable;
  deployment_requests: DeploymentRequestsTable;
  deployment_starts: DeploymentStartsTable;
  shown_revisions: ShownRevisionsTable;
  agents: AgentsTable;
  silent_regions: SilentRegionsTable;
  write_probes: WriteProbesTable;
  certificates: CertificatesTable;
  certificate_orders: CertificateOrdersTable;
  acme_accounts: AcmeAccountsTable;
  acme_challenges: AcmeChallengesTable;
  acme_directories: AcmeDirectoriesTable;
  acme_orders: AcmeOrdersTable;
  custom_domains: CustomDomainsTable;
  held_hostnames: HeldHostnamesTable;
}
