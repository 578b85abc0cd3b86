/** The state of a deployment that should come to run, as its regions report it. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { decodeImageConfig } from "../../internal/deployments/app/image_config.ts";
import { healthCheckOf } from "../../internal/deployments/app/resolve.ts";
import { decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import { type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  type AgentsTable,
  type CtrlDatabase,
  type DeploymentsTable,
  type DeploymentTopologyTable,
  findBuildInputs,
  findDeployment,
  findEnvironment,
  type InstancesTable,
  listAgents,
  listInstances,
  listLiveRegions,
  listTopology,
} from "../../internal/store/mod.ts";
import { exposedPorts } from "../../../../pkg/build/explain/mod.ts";
import type { InstanceState, RegionState, RolloutState } from "./plan.ts";
import type { ReleaseState } from "./release.ts";
import { tellTrouble } from "./tell_trouble.ts";

/** The deployment is final already, or does not exist: there is nothing left to do. */
export interface Ended {
  readonly kind: "ended";
  readonly status: DeploymentStatus | "missing";
}

export type Observed = Ended | {
  readonly kind: "observed";
  readonly state: RolloutState;
  readonly cancelRequested: boolean;
};

export interface ObserveDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  /** A region whose agents' heartbeats are all older counts as unavailable. */
  readonly agentTimeoutMs: number;
}

const LINES_MAX = 20;
const LINE_CHARACTERS_MAX = 500;

export interface ObserveCall {
  /** The statuses at which there is nothing left to wait for. */
  readonly isOver?: (status: DeploymentStatus) => boolean;
  /** The command that its instances wait for. */
  readonly release?: ReleaseState | undefined;
}

/**
 * The deployment as its regions report it; its step tells what holds it back.
 */
export async function observe(
  { db, clock, agentTimeoutMs }: ObserveDeps,
  id: string,
  { isOver = isFinal, release }: ObserveCall = {},
): Promise<Observed> {
  const row = await findDeployment(db.kysely, id);
  if (row === undefined) return { kind: "ended", status: "missing" };
  if (isOver(row.status)) return { kind: "ended", status: row.status };
  const topology = await listTopology(db.kysely, id);
  const instances = await listInstances(db.kysely, id);
  const alive = await listLiveRegions(db.kysely, clock.now() - agentTimeoutMs);
  const started = topology.filter((each) => each.desired_status === "started");
  const silent = started.filter(({ region }) => instances.every((instance) => instance.region !== region));
  const nacks = silent.length === 0
    ? []
    : await listAgents(db.kysely, { sinceMs: clock.now() - agentTimeoutMs });
  const regions = started.map((each): RegionState => ({
    region: each.region,
    desiredReplicas: each.desired_replicas,
    agentAlive: alive.has(each.region),
    instances: instances.filter((instance) => instance.region === each.region).map(instanceState),
    agentError: agentError(nacks, each, id),
  }));
  const state: RolloutState = {
    regions,
    port: row.port,
    healthCheckPath: row.health_check_path,
    healthCheckHost: row.health_check_host ?? "",
    healthCheck: checkOf(row),
    memoryMib: row.memory_mib,
    startMs: row.start_seconds === 0 ? undefined : row.start_seconds * 1_000,
    environmentSlug: await environmentSlug(db, row, instances),
    ...await portsOf(db, row, instances),
    ...(release === undefined ? {} : { release }),
  };
  await tellTrouble({ db, clock }, id, state);
  return { kind: "observed", state, cancelRequested: row.cancel_requested_at !== null };
}

function checkOf(row: DeploymentsTable): RolloutState["healthCheck"] {
  const snapshot = decodeAppSnapshot(row.app_settings);
  if (snapshot === undefined) return undefined;
  const image = decodeImageConfig(row.image_config);
  const { kind, method, expectedStatus } = healthCheckOf(settingsOf(snapshot), image, "");
  return { kind, method, expectedStatus };
}

/** The failure of the region's agent to apply this deployment since it was placed there. */
function agentError(
  agents: readonly AgentsTable[],
  { region, updated_at }: DeploymentTopologyTable,
  id: string,
): string | undefined {
  const agent = agents.find((each) =>
    each.region === region && each.last_nack_resource === id && (each.last_nack_at ?? 0) >= updated_at
  );
  return agent?.last_nack_error ?? undefined;
}

/** The environment's slug, for the hint to an app that was killed for its memory; empty for others. */
async function environmentSlug(
  db: CtrlDatabase,
  row: DeploymentsTable,
  instances: readonly InstancesTable[],
): Promise<string> {
  if (!instances.some(({ reason }) => reason === "oom_killed")) return "";
  return (await findEnvironment(db.kysely, row.workspace_id, row.environment_id))?.slug ?? "";
}

/**
 * The ports that the image exposes, for a hint to an app that does not become ready. Those of its Dockerfile where the
 * image could not be read.
 */
async function portsOf(
  db: CtrlDatabase,
  { id, image_config }: DeploymentsTable,
  instances: readonly InstancesTable[],
): Promise<Pick<RolloutState, "exposedPorts">> {
  if (instances.length === 0 || instances.every(({ status }) => status === "running")) return {};
  const image = decodeImageConfig(image_config);
  if (image !== undefined) return { exposedPorts: image.exposedPorts };
  const inputs = await findBuildInputs(db.kysely, id);
  if (inputs?.dockerfile === undefined) return {};
  return { exposedPorts: exposedPorts(new TextDecoder().decode(inputs.dockerfile), inputs.settings.target) };
}

function instanceState(row: InstancesTable): InstanceState {
  return {
    name: row.k8s_name,
    status: row.status,
    reason: row.reason,
    message: row.message,
    exitCode: row.exit_code,
    restarts: row.restarts,
    lastLogLines: row.status === "running" ? [] : logLines(row.last_log_lines),
  };
}

/** The store writes an array of strings. */
function logLines(json: string): string[] {
  const lines: unknown = JSON.parse(json);
  if (!Array.isArray(lines)) return [];
  return lines.slice(-LINES_MAX).map((line) => String(line).slice(0, LINE_CHARACTERS_MAX));
}
