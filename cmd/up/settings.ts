/** The settings of each part, as its own command has them. */
import type { RestateServer } from "../../pkg/restate_server/mod.ts";
import type { UpConfig } from "./config.ts";
import type { DataFolder, State } from "./data_folder.ts";
import { HOST } from "./ports.ts";
import { REGION, type SeededState } from "./seed.ts";

/** Values by the names of variables. */
export type Settings = Readonly<Record<string, string>>;

export interface Plan {
  readonly config: UpConfig;
  readonly folder: DataFolder;
  readonly state: State;
}

/** The addresses and the key of the Restate server that runs. */
export type RestatePlace = Pick<RestateServer, "ingressUrl" | "adminUrl" | "identityKey">;

export function apiUrl({ config }: Plan): string {
  return url(config.apiPort);
}

export function databaseUrl({ folder }: Plan): string {
  return `sqlite://${folder.database}`;
}

/** The edge as people type it; browsers resolve every name below `localhost` to this machine. */
export function edgeUrl({ config }: Plan): string {
  return `http://localhost:${config.edgePort}`;
}

export function apiSettings(plan: Plan, restate: RestatePlace): Settings {
  return {
    ...sharedSettings(plan, restate),
    UNKEY_HTTP_HOST: HOST,
    UNKEY_HTTP_PORT: String(plan.config.apiPort),
    UNKEY_BUILD_FILES_EXTERNAL_URL: apiUrl(plan),
    UNKEY_UPLOAD_DISK_FREE_MIB: String(plan.config.uploadDiskFreeMib),
    UNKEY_OUTPUT_KEPT: String(plan.config.outputKept),
    UNKEY_OUTPUT_SIZE_MAX: String(plan.config.outputSizeMax),
    UNKEY_CPU_DEFAULT: String(plan.config.cpuDefault),
    UNKEY_CPU_MAX: String(plan.config.cpuMax),
    UNKEY_MEMORY_DEFAULT: String(plan.config.memoryDefault),
    UNKEY_MEMORY_MAX: String(plan.config.memoryMax),
    UNKEY_REPLICAS_MAX: String(plan.config.replicasMax),
  };
}

export function workerSettings(plan: Plan, restate: RestatePlace): Settings {
  const { ports } = plan.state;
  return {
    ...sharedSettings(plan, restate),
    UNKEY_WORKER_HOST: HOST,
    UNKEY_DEPLOY_READY_SECONDS: String(plan.config.readySeconds),
    UNKEY_DEPLOY_LISTEN_SECONDS: String(plan.config.listenSeconds),
    UNKEY_STOP_GRACE_SECONDS: String(plan.config.stopGraceSeconds),
    UNKEY_WORKER_HTTP_PORT: String(ports.workerHealth),
    UNKEY_RESTATE_HTTP_PORT: String(ports.worker),
    // An image's name means the image of that name in the one engine.
    UNKEY_RESOLVE_IMAGES: "false",
    // A registry of the user's own machine is as good as any other one.
    UNKEY_IMAGE_SOURCES: "any",
    UNKEY_RESTATE_ADMIN_URL: restate.adminUrl,
    UNKEY_RESTATE_REGISTER_AS: url(ports.worker),
    UNKEY_RESTATE_IDENTITY_KEYS: restate.identityKey,
    DOCKER_HOST: plan.config.dockerHost,
    UNKEY_IMAGES_KEPT: String(plan.config.imagesKept),
    UNKEY_TRUSTED_REGISTRIES: plan.config.trustedRegistries.join(","),
    UNKEY_BUILD_SOURCES: plan.config.buildSources,
    UNKEY_BUILD_CACHE_MIB: String(plan.config.buildCacheMib),
    UNKEY_BUILD_DISK_FREE_MIB: String(plan.config.buildDiskFreeMib),
    // The engine serves the user whose own it is.
    UNKEY_BUILD_NETWORK: "trusted",
  };
}

/** Settings that api and worker must have alike. */
function sharedSettings(plan: Plan, restate: RestatePlace): Settings {
  const { config, folder, state } = plan;
  return {
    UNKEY_DATABASE_PRIMARY: databaseUrl(plan),
    UNKEY_AUTH_TOKEN: state.serviceToken,
    UNKEY_VAULT_MASTER_KEYS: state.vaultMasterKey,
    UNKEY_RESTATE_INGRESS_URL: restate.ingressUrl,
    UNKEY_BUILD_FILES_DIR: folder.objects,
    UNKEY_BUILD_FILES_URL: apiUrl(plan),
    UNKEY_BUILD_FILES_SIGNING_KEY: state.objectSigningKey,
    UNKEY_PREVIEW_IDLE_DAYS: String(config.previewIdleDays),
    UNKEY_AVAILABLE_REGIONS: REGION,
    UNKEY_EDGE_URL: edgeUrl(plan),
  };
}

export function kraneSettings(plan: Plan & { readonly state: SeededState }): Settings {
  const { config, folder, state } = plan;
  return {
    UNKEY_CONTROL_PLANE_URL: apiUrl(plan),
    UNKEY_CONTROL_PLANE_BEARER: state.regionToken,
    UNKEY_CONTROL_PLANE_ID: state.id,
    UNKEY_REGION: REGION,
    UNKEY_KRANE_STATE_DIR: folder.krane,
    UNKEY_HTTP_HOST: HOST,
    UNKEY_HTTP_PORT: String(state.ports.krane),
    DOCKER_HOST: config.dockerHost,
    // The edge is in this process; where the engine is elsewhere, the agent notices.
    UNKEY_KRANE_INSTANCE_ADDRESS: "container",
  };
}

export function edgeSettings(plan: Plan & { readonly state: SeededState }): Settings {
  return {
    UNKEY_CONTROL_PLANE_URL: apiUrl(plan),
    UNKEY_CONTROL_PLANE_BEARER: plan.state.edgeToken,
    UNKEY_REGION: REGION,
    UNKEY_HTTP_HOST: HOST,
    UNKEY_HTTP_PORT: String(plan.config.edgePort),
    UNKEY_FRONTLINE_DRAIN_MS: String(plan.config.drainMs),
    UNKEY_FRONTLINE_HEADER_BYTES_MAX: String(plan.config.headBytesMax),
    UNKEY_FRONTLINE_HEADERS_MAX: String(plan.config.headersMax),
    UNKEY_FRONTLINE_RESPONSE_HEADER_TIMEOUT_MS: String(plan.config.responseHeadMsMax),
    UNKEY_FRONTLINE_RESPONSE_HEADER_BYTES_MAX: String(plan.config.responseHeadBytesMax),
    UNKEY_FRONTLINE_RESPONSE_HEADERS_MAX: String(plan.config.responseHeadersMax),
    UNKEY_TRUSTED_PROXIES: plan.config.trustedProxies.join(","),
    // There is no load balancer in front of it.
    UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
  };
}

function url(port: number): string {
  return `http://${HOST}:${port}`;
}
