/** The settings of each part, as its own command has them. */
import type { RestateServer } from "../../pkg/restate_server/mod.ts";
import type { UpConfig } from "./config.ts";
import type { DataFolder, State } from "./data_folder.ts";
import { apiUrlOf, authorities, dashboardUrlOf, edgeUrlOf, type Place, publicApiUrlOf } from "./place.ts";
import { HOST } from "./ports.ts";
import { REGION, type SeededState } from "./seed.ts";

/** Values by the names of variables. */
export type Settings = Readonly<Record<string, string>>;

export interface Plan {
  readonly config: UpConfig;
  /** Its ports are settled. */
  readonly place: Place;
  readonly folder: DataFolder;
  readonly state: State;
}

/** The addresses and the key of the Restate server that runs. */
export type RestatePlace = Pick<RestateServer, "ingressUrl" | "adminUrl" | "identityKey">;

export function databaseUrl({ folder }: Plan): string {
  return `sqlite://${folder.database}`;
}

export function apiSettings(plan: Plan, restate: RestatePlace): Settings {
  return {
    ...sharedSettings(plan, restate),
    UNKEY_HTTP_HOST: HOST,
    UNKEY_HTTP_PORT: String(plan.place.apiPort),
    // The edge passes the header of these proxies on, so the api has to trust them, too.
    UNKEY_TRUSTED_PROXIES: plan.config.trustedProxies.join(","),
    UNKEY_BUILD_FILES_EXTERNAL_URL: publicApiUrlOf(plan.place) ?? apiUrlOf(plan.place),
    UNKEY_DASHBOARD_URL: dashboardUrlOf(plan.place),
    UNKEY_UPLOAD_DISK_FREE_MIB: String(plan.config.uploadDiskFreeMib),
    UNKEY_OUTPUT_KEPT: String(plan.config.outputKept),
    UNKEY_OUTPUT_SIZE_MAX: String(plan.config.outputSizeMax),
    UNKEY_AUDIT_KEPT: String(plan.config.auditKept),
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
    // A registry of the user's own machine is as good as any other one. A server may have users that are not its owner.
    UNKEY_IMAGE_SOURCES: plan.config.domain === undefined ? "any" : "public",
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
    ...certificateSettings(plan),
    ...otelSettings(plan),
  };
}

/** The texts that the settings were read from. */
function otelSettings({ config }: Plan): Settings {
  const attributes = Object.entries(config.otelResourceAttributes ?? {})
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return given({
    OTEL_EXPORTER_OTLP_ENDPOINT: config.otlpEndpoint,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: config.otlpTracesEndpoint,
    OTEL_EXPORTER_OTLP_HEADERS: config.otlpHeaders?.reveal(),
    OTEL_EXPORTER_OTLP_PROTOCOL: config.otlpProtocol,
    OTEL_EXPORTER_OTLP_TIMEOUT: String(config.otlpTimeout),
    OTEL_TRACES_SAMPLER: config.tracesSampler,
    OTEL_TRACES_SAMPLER_ARG: config.tracesSamplerArg?.toString(),
    OTEL_SERVICE_NAME: config.otelServiceName,
    OTEL_RESOURCE_ATTRIBUTES: attributes.join(","),
  });
}

function given(values: Readonly<Record<string, string | undefined>>): Settings {
  const some = Object.entries(values).filter((each): each is [string, string] => (each[1] ?? "") !== "");
  return Object.fromEntries(some);
}

function certificateSettings({ config, place }: Plan): Settings {
  return given({
    UNKEY_PLATFORM_HOSTS: place.apiHost,
    UNKEY_ACME_DIRECTORY_URL: authorities(config).join(","),
    UNKEY_ACME_EMAIL: config.email,
    UNKEY_ACME_PROFILE: config.acmeProfile,
    UNKEY_ACME_CA_FILE: config.acmeCaFile,
    UNKEY_ACME_EXTERNAL_ACCOUNTS: config.acmeExternalAccounts?.reveal(),
    UNKEY_ACME_DNS_PROVIDER: config.acmeDnsProvider,
    UNKEY_ACME_DNS_SERVER: config.acmeDnsServer,
    UNKEY_ACME_DNS_TSIG_KEY: config.acmeDnsTsigKey?.reveal(),
    UNKEY_ACME_DNS_PROGRAM: config.acmeDnsProgram,
    UNKEY_ACME_DNS_CLOUDFLARE_TOKEN: config.acmeDnsCloudflareToken?.reveal(),
    UNKEY_ACME_DNS_ROUTE53_KEY: config.acmeDnsRoute53Key?.reveal(),
    UNKEY_ACME_DNS_ROUTE53_ZONE: config.acmeDnsRoute53Zone,
    UNKEY_ACME_DNS_RESOLVER: config.acmeDnsResolver,
    UNKEY_ACME_DNS_NAMESERVERS: config.acmeDnsNameservers.join(","),
  });
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
    UNKEY_BUILD_FILES_URL: apiUrlOf(plan.place),
    UNKEY_BUILD_FILES_SIGNING_KEY: state.objectSigningKey,
    UNKEY_PREVIEW_IDLE_DAYS: String(config.previewIdleDays),
    UNKEY_AVAILABLE_REGIONS: REGION,
    UNKEY_EDGE_URL: edgeUrlOf(plan.place),
    UNKEY_DEFAULT_DOMAIN: plan.place.domain,
    // Every name below the domain leads here, so that users can point domains of their own to one.
    ...config.domain === undefined ? {} : { UNKEY_DOMAIN_TARGET: config.domain },
    // Behind a router the names below the domain may lead elsewhere, seen from here.
    UNKEY_DOMAIN_ADDRESSES: config.publicAddresses.join(","),
    ...config.domain === undefined || config.acmeDnsResolver === undefined
      ? {}
      : { UNKEY_DOMAIN_RESOLVER: config.acmeDnsResolver },
  };
}

export function kraneSettings(plan: Plan & { readonly state: SeededState }): Settings {
  const { config, folder, state } = plan;
  return {
    UNKEY_CONTROL_PLANE_URL: apiUrlOf(plan.place),
    UNKEY_CONTROL_PLANE_BEARER: state.regionToken,
    UNKEY_CONTROL_PLANE_ID: state.id,
    UNKEY_REGION: REGION,
    UNKEY_KRANE_STATE_DIR: folder.krane,
    UNKEY_HTTP_HOST: HOST,
    UNKEY_HTTP_PORT: String(state.ports.krane),
    DOCKER_HOST: config.dockerHost,
    // They are all of the user whose own machine it is.
    UNKEY_DOCKER_WORKSPACES: "many",
    // The edge is in this process; where the engine is elsewhere, the agent notices.
    UNKEY_KRANE_INSTANCE_ADDRESS: "container",
  };
}

export function edgeSettings(plan: Plan & { readonly state: SeededState }): Settings {
  const { place } = plan;
  return {
    UNKEY_CONTROL_PLANE_URL: apiUrlOf(plan.place),
    UNKEY_CONTROL_PLANE_BEARER: plan.state.edgeToken,
    UNKEY_REGION: REGION,
    UNKEY_HTTP_HOST: place.edgeHost,
    UNKEY_HTTP_PORT: String(place.edgePort),
    ...httpsSettings(plan),
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

/** The same for an edge that is a process of its own. Its ports are on all addresses; its metrics are for this machine. */
export function edgeProcessSettings(plan: Plan & { readonly state: SeededState }): Settings {
  return {
    ...edgeSettings(plan),
    UNKEY_PROMETHEUS_PORT: String(plan.config.edgePrometheusPort),
    UNKEY_FRONTLINE_METRICS_FROM: "127.0.0.0/8,::1",
  };
}

function httpsSettings({ config, place }: Plan): Settings {
  if (place.edgeHttpsPort === undefined) return {};
  return {
    UNKEY_HTTPS_PORT: String(place.edgeHttpsPort),
    UNKEY_HTTPS_PUBLIC_PORT: String(place.publicHttpsPort),
    UNKEY_HSTS_SECONDS: String(config.hstsSeconds),
    // A laptop's browser may not trust its authority.
    UNKEY_HTTPS_REDIRECT: String(config.domain !== undefined),
    ...place.apiHost === undefined ? {} : { UNKEY_API_HOST: place.apiHost },
    // A wildcard needs no orders of single names.
    UNKEY_CERTIFICATES_ON_DEMAND: String(config.domain !== undefined && config.acmeDnsProvider === undefined),
  };
}

function url(port: number): string {
  return `http://${HOST}:${port}`;
}
