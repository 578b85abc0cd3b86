import { z } from "zod";
import { type Container, type ContainerSpec, fullReference } from "../../../../../pkg/docker/mod.ts";
import { digestOf } from "../../../../../pkg/hash/mod.ts";
import { capabilityChanges } from "../../deployment/capabilities.ts";
import { HEALTH_CHECK, plainCheck } from "../../deployment/health_check.ts";
import type { DesiredDeployment, DesiredTask } from "../../deployment/desired.ts";
import { platformVariables } from "../../deployment/platform_variables.ts";
import type { ContainerState } from "./plan.ts";

/** The agent's settings for all its containers. */
export interface SpecOptions {
  readonly region: string;
  readonly controlPlaneId: string;
  readonly publishAddress: string;
  /** The engine's network of all instances. */
  readonly network: string;
  readonly cpuMillicoresDefault: number;
  readonly memoryMibDefault: number;
  readonly pidsDefault: number;
  readonly capabilities: readonly string[];
  /** The engine refuses limits above what the machine has. */
  readonly cpuMillicoresMax: number;
}

/** Labels of managed containers. */
export const LABEL = {
  managedBy: "unkey.managed-by",
  region: "unkey.region",
  controlPlane: "unkey.control-plane",
  name: "unkey.name",
  ordinal: "unkey.ordinal",
  /** The task that it runs; absent on instances of the app. */
  task: "unkey.task",
  workspace: "unkey.workspace-id",
  project: "unkey.project-id",
  environment: "unkey.environment-id",
  deployment: "unkey.deployment-id",
  hash: "unkey.spec-hash",
  desired: "unkey.desired",
  /** Its address, when the agent chose it; the edge connects there. */
  address: "unkey.address",
} as const;

const MANAGED_BY = "krane";
const MEMORY_MIB_MIN = 8;
const OUTPUT = { fileBytesMax: 10_000_000, filesMax: 3 };
/**
 * The limits that earlier control planes sent with each deployment, in place of 0. The hash counts 0 as these: containers of
 * that time must not be replaced because the number is left out now.
 */
const LIMITS_ONCE_SENT = { pidsMax: 1_024, ephemeralStorageMib: 2_048 };

/** Agents of one machine share their network: it keeps all instances apart from each other. */
export const NETWORK_LABELS = { [LABEL.managedBy]: MANAGED_BY };

/** The labels that all containers of one agent carry, as a filter. */
export function ownLabels(options: Pick<SpecOptions, "region" | "controlPlaneId">): string[] {
  return [
    `${LABEL.managedBy}=${MANAGED_BY}`,
    `${LABEL.region}=${options.region}`,
    `${LABEL.controlPlane}=${options.controlPlaneId}`,
  ];
}

/** The container of one ordinal, or of one task; the same name after any restart. */
export function containerName(name: string, part: number | string): string {
  return `unkey-${name}-${part}`;
}

/** `unkey-abc-0` is an instance of `abc`. */
export function deploymentOf(container: string): string {
  return container.replace(/^unkey-/, "").replace(/-\d+$/, "");
}

/** The container that runs a task: like one of the app, but that it reaches no port and ends by itself. */
export function taskSpec(
  desired: DesiredDeployment,
  task: DesiredTask,
  place: Place,
  options: SpecOptions,
): ContainerSpec {
  const base = containerSpec({ ...desired, command: task.command }, 0, place, options);
  const name = containerName(desired.name, task.name);
  const { [LABEL.ordinal]: _ordinal, ...labels } = base.labels;
  return {
    ...base,
    name,
    env: { ...base.env, UNKEY_INSTANCE_ID: name, UNKEY_TASK: task.name },
    labels: { ...labels, [LABEL.task]: task.name, [LABEL.desired]: encodeDesired(desired) },
    publish: [],
    restart: "no",
  };
}

/** Where the edge reaches a container: at a published port, or at an address in the agent's own network. */
export type Place =
  | { readonly kind: "port"; readonly hostPort: number }
  | { readonly kind: "address"; readonly network: string; readonly address: string };

/** Everything about one instance's container. */
export function containerSpec(
  desired: DesiredDeployment,
  ordinal: number,
  place: Place,
  options: SpecOptions,
): ContainerSpec {
  const name = containerName(desired.name, ordinal);
  const { added, dropped } = capabilityChanges(options.capabilities);
  return {
    name,
    image: fullReference(desired.image),
    ...(desired.command.length === 0 ? {} : { command: desired.command }),
    env: {
      ...desired.env,
      ...platformVariables(desired, options.region),
      UNKEY_INSTANCE_ID: name,
    },
    labels: {
      [LABEL.managedBy]: MANAGED_BY,
      [LABEL.region]: options.region,
      [LABEL.controlPlane]: options.controlPlaneId,
      [LABEL.name]: desired.name,
      [LABEL.ordinal]: String(ordinal),
      [LABEL.workspace]: desired.workspaceId,
      [LABEL.project]: desired.projectId,
      [LABEL.environment]: desired.environmentId,
      [LABEL.deployment]: desired.deploymentId,
      [LABEL.hash]: specHash(desired, options),
      [LABEL.desired]: encodeDesired(desired),
      ...(place.kind === "address" ? { [LABEL.address]: place.address } : {}),
    },
    limits: limitsOf(desired, options),
    ...(place.kind === "address"
      ? { publish: [], network: place.network, address: place.address }
      : { publish: [publication(desired, place, options)], network: options.network }),
    restart: "always",
    output: OUTPUT,
    capabilitiesDropped: dropped,
    capabilitiesAdded: added,
    ...(desired.stopSignal === "" ? {} : { stopSignal: desired.stopSignal }),
    init: desired.init,
  };
}

function publication({ port }: DesiredDeployment, { hostPort }: { hostPort: number }, options: SpecOptions) {
  return { port, hostIp: options.publishAddress, hostPort };
}

/** host:port for the edge; empty when there is none. */
export function instanceAddress(
  container: Pick<Container, "labels" | "hostPorts">,
  port: number,
  publishAddress: string,
): string {
  const own = container.labels[LABEL.address];
  if (own !== undefined) return `${own}:${port}`;
  const hostPort = container.hostPorts.get(port);
  // IPv6 addresses are written in brackets when a port follows.
  const host = publishAddress.includes(":") ? `[${publishAddress}]` : publishAddress;
  return hostPort === undefined ? "" : `${host}:${hostPort}`;
}

function limitsOf(desired: DesiredDeployment, options: SpecOptions): ContainerSpec["limits"] {
  const memoryMib = Math.max(MEMORY_MIB_MIN, desired.memoryMib || options.memoryMibDefault);
  return {
    cpuMillicores: Math.min(options.cpuMillicoresMax, desired.cpuMillicores || options.cpuMillicoresDefault),
    memoryBytes: memoryMib * 1024 * 1024,
    pidsMax: desired.pidsMax || options.pidsDefault,
  };
}

/**
 * Differs when a running container must be replaced. What does not show inside of it is not part of it, and neither is what
 * never changes for a deployment and is not known of older containers: the commit, the way to stop, the init process.
 */
export function specHash(desired: DesiredDeployment, options: SpecOptions): string {
  const {
    replicas: _replicas,
    healthCheck: _check,
    stopSignal: _signal,
    stopSeconds: _seconds,
    init: _init,
    initAsked: _asked,
    buildId: _build,
    blobSha256: _blob,
    commit: _commit,
    tasks: _tasks,
    reportsUsage: _usage,
    ...rest
  } = desired;
  const env = Object.entries(desired.env).toSorted(([a], [b]) => a < b ? -1 : 1);
  const pidsMax = desired.pidsMax || LIMITS_ONCE_SENT.pidsMax;
  const ephemeralStorageMib = desired.ephemeralStorageMib || LIMITS_ONCE_SENT.ephemeralStorageMib;
  const { added, dropped } = capabilityChanges(options.capabilities);
  return digestOf([
    { ...rest, pidsMax, ephemeralStorageMib, env },
    limitsOf(desired, options),
    options.publishAddress,
    options.network,
    OUTPUT,
    dropped,
    ...(added.length === 0 ? [] : [added]),
  ]).slice(0, 32);
}

const Desired = z.object({
  name: z.string(),
  namespace: z.string(),
  workspaceId: z.string(),
  projectId: z.string(),
  environmentId: z.string(),
  deploymentId: z.string(),
  image: z.string(),
  replicas: z.number(),
  cpuMillicores: z.number(),
  memoryMib: z.number(),
  pidsMax: z.number(),
  ephemeralStorageMib: z.number(),
  command: z.array(z.string()),
  port: z.number(),
  healthCheck: HEALTH_CHECK.optional(),
  /** Of containers of an older agent. */
  healthCheckPath: z.string().default(""),
  healthCheckHost: z.string().default(""),
  stopSignal: z.string().default(""),
  stopSeconds: z.number().default(0),
  init: z.boolean().default(false),
  initAsked: z.boolean().default(false),
  reportsUsage: z.boolean().default(false),
  buildId: z.string(),
  blobSha256: z.string().default(""),
  commit: z.object({ sha: z.string(), branch: z.string(), authorHandle: z.string() })
    .default({ sha: "", branch: "", authorHandle: "" }),
  tasks: z.array(z.object({
    name: z.string(),
    command: z.array(z.string()),
    timeoutSeconds: z.number(),
    isStarted: z.boolean(),
  })).default([]),
  variables: z.array(z.string()),
});

/** The desired state for a label: all but the values of variables, which the container has anyway. */
function encodeDesired(desired: DesiredDeployment): string {
  const { env, ...rest } = desired;
  return JSON.stringify({ ...rest, variables: Object.keys(env) });
}

/** The desired state that a container was made from, or `undefined` when its label cannot be read. */
export function recoverDesired(container: Pick<Container, "labels" | "env">): DesiredDeployment | undefined {
  const parsed = Desired.safeParse(safeJson(container.labels[LABEL.desired] ?? ""));
  if (!parsed.success) return undefined;
  const { variables, healthCheck, healthCheckPath, healthCheckHost, ...rest } = parsed.data;
  const env = Object.fromEntries(variables.map((name) => [name, container.env[name] ?? ""]));
  return { ...rest, healthCheck: healthCheck ?? plainCheck(healthCheckPath, healthCheckHost), env };
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parts of a container that a plan looks at. */
export function toContainerState(container: Container): ContainerState {
  const ordinal = Number(container.labels[LABEL.ordinal] ?? NaN);
  return {
    id: container.id,
    ordinal: Number.isInteger(ordinal) ? ordinal : -1,
    hash: container.labels[LABEL.hash] ?? "",
    status: container.state.status,
  };
}
