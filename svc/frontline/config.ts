import {
  type ConfigOf,
  type Field,
  field,
  fieldName,
  integerSchema,
  networksSchema,
  optionalPortSchema,
  portSchema,
  requiredTextSchema,
  type Rule,
  secretField,
  switchField,
  textSchema,
  urlSchema,
} from "../../pkg/config/mod.ts";
import { METRICS_FROM_FIELD } from "../../pkg/metrics_server/mod.ts";
import { TLS_CLIENT_FIELDS, tlsClientProblems } from "../../pkg/tls/mod.ts";
import { LIMITS } from "../../pkg/proxy/mod.ts";
import { HTTPS_FIELDS } from "./config_https.ts";

const HOUR_MS = 3_600_000;
/** Heads are read whole, on the thread that serves all apps. */
const HEAD_BYTES_MAX = 64 * 1024;

/** Settings of an edge and of a sentinel. */
export interface EdgeFields {
  readonly httpHost: Field<string>;
  readonly healthPort: Field<number | undefined>;
  readonly metricsFrom: Field<readonly string[]>;
  readonly controlPlaneUrl: Field<string>;
  readonly caFile: Field<string | undefined>;
  readonly clientCertFile: Field<string | undefined>;
  readonly clientKeyFile: Field<string | undefined>;
  readonly region: Field<string>;
  readonly trustedProxies: Field<readonly string[]>;
  readonly connectionsMax: Field<number>;
  readonly connectionsPerClientMax: Field<number>;
  readonly requestsPerClientMax: Field<number>;
  readonly requestsPerAppMax: Field<number>;
  readonly headBytesMax: Field<number>;
  readonly headersMax: Field<number>;
  readonly headMsMax: Field<number>;
  readonly keepAliveMsMax: Field<number>;
  readonly bodyStallMsMax: Field<number>;
  readonly bodyBytesPerSecondMin: Field<number>;
  readonly tunnelIdleMsMax: Field<number>;
  readonly dialMsMax: Field<number>;
  readonly responseHeadMsMax: Field<number>;
  readonly responseHeadBytesMax: Field<number>;
  readonly responseHeadersMax: Field<number>;
  readonly drainMs: Field<number>;
}

export type EdgeConfig = ConfigOf<EdgeFields>;

/**
 * The settings that an edge and a sentinel have in common.
 *
 * @param name begins the variables of the bounds
 */
export function edgeFields(name: "FRONTLINE" | "SENTINEL"): EdgeFields {
  /** A bound; the name of its variable follows from its flag. */
  const limit = (flag: string, fallback: number, max: number, help: string): Field<number> =>
    field({
      flag,
      env: `UNKEY_${name}_${flag.toUpperCase().replaceAll("-", "_")}`,
      help,
      placeholder: "<number>",
      schema: integerSchema(fallback, 1, max),
    });
  return {
    httpHost: field({
      flag: "http-host",
      env: "UNKEY_HTTP_HOST",
      help: "Address to serve apps on.",
      placeholder: "<ip>",
      schema: textSchema("0.0.0.0"),
    }),
    healthPort: field({
      flag: "health-port",
      env: "UNKEY_HEALTH_PORT",
      help: "Port of health checks and metrics. Default: health checks on the port of the apps, no metrics.",
      placeholder: "<port>",
      schema: optionalPortSchema(),
    }),
    metricsFrom: { ...METRICS_FROM_FIELD, env: `UNKEY_${name}_METRICS_FROM` },
    controlPlaneUrl: field({
      flag: "control-plane-url",
      env: "UNKEY_CONTROL_PLANE_URL",
      help: "URL of the control plane's API.",
      placeholder: "<url>",
      schema: urlSchema(),
    }),
    ...TLS_CLIENT_FIELDS,
    region: field({
      flag: "region",
      env: "UNKEY_REGION",
      help: "Name of the region that it runs in; its instances are preferred.",
      schema: requiredTextSchema(),
    }),
    trustedProxies: field({
      flag: "trusted-proxies",
      env: "UNKEY_TRUSTED_PROXIES",
      help: "Addresses or networks of load balancers whose X-Forwarded headers are believed.",
      placeholder: "<ip[/bits],...>",
      schema: networksSchema([]),
    }),
    connectionsMax: limit(
      "connections-max",
      LIMITS.connectionsMax,
      1_000_000,
      "Most client connections at a time. Descriptors (ulimit -n) may allow fewer.",
    ),
    connectionsPerClientMax: limit(
      "connections-per-client-max",
      LIMITS.connectionsPerClientMax,
      1_000_000,
      "Most connections of one address, or /64 network of IPv6; trusted proxies have no such limit.",
    ),
    requestsPerClientMax: limit(
      "requests-per-client-max",
      LIMITS.requestsPerClientMax,
      1_000_000,
      "Most requests of one address that run at a time; trusted proxies have no such limit.",
    ),
    requestsPerAppMax: limit(
      "requests-per-app-max",
      LIMITS.requestsPerAppMax,
      1_000_000,
      "Most requests and open WebSockets of one deployment at a time.",
    ),
    headBytesMax: limit(
      "header-bytes-max",
      LIMITS.headBytesMax,
      HEAD_BYTES_MAX,
      "Longest request line with headers, in bytes.",
    ),
    headersMax: limit("headers-max", LIMITS.headersMax, 10_000, "Most headers of a request."),
    headMsMax: limit(
      "header-timeout-ms",
      LIMITS.headMsMax,
      HOUR_MS,
      "Longest time for request headers to come.",
    ),
    keepAliveMsMax: limit(
      "keep-alive-ms",
      LIMITS.keepAliveMsMax,
      HOUR_MS,
      "Longest pause between requests.",
    ),
    bodyStallMsMax: limit(
      "body-stall-ms",
      LIMITS.bodyStallMsMax,
      HOUR_MS,
      "Longest standstill of a request body.",
    ),
    bodyBytesPerSecondMin: limit(
      "body-bytes-per-second-min",
      LIMITS.bodyBytesPerSecondMin,
      1024 * 1024,
      "Least bytes per second of a request body, until the app answers. gRPC has no such limit.",
    ),
    tunnelIdleMsMax: limit(
      "tunnel-idle-ms",
      LIMITS.tunnelIdleMsMax,
      24 * HOUR_MS,
      "Longest time in which nothing passes through a WebSocket.",
    ),
    dialMsMax: limit(
      "dial-timeout-ms",
      LIMITS.dialMsMax,
      HOUR_MS,
      "Longest time to connect to an instance.",
    ),
    responseHeadMsMax: limit(
      "response-header-timeout-ms",
      LIMITS.responseHeadMsMax,
      24 * HOUR_MS,
      "Longest time for an app to begin its response; the rest has no limit.",
    ),
    responseHeadBytesMax: limit(
      "response-header-bytes-max",
      LIMITS.responseHeadBytesMax,
      HEAD_BYTES_MAX,
      "Longest status line with headers of a response, in bytes.",
    ),
    responseHeadersMax: limit(
      "response-headers-max",
      LIMITS.responseHeadersMax,
      10_000,
      "Most headers of a response.",
    ),
    drainMs: limit("drain-ms", 15_000, HOUR_MS, "How long running requests may go on after a stop."),
  };
}

export const FRONTLINE_FIELDS = {
  httpPort: field({
    flag: "http-port",
    env: "UNKEY_HTTP_PORT",
    help: "Port to serve apps on.",
    placeholder: "<port>",
    schema: portSchema(7070),
  }),
  ...HTTPS_FIELDS,
  ...edgeFields("FRONTLINE"),
  proxyProtocolFrom: field({
    flag: "proxy-protocol-from",
    env: "UNKEY_PROXY_PROTOCOL_FROM",
    help:
      "Addresses or networks of load balancers that begin each connection with the PROXY protocol (version 1 or 2).",
    placeholder: "<ip[/bits],...>",
    schema: networksSchema([]),
  }),
  stopDelayMs: field({
    flag: "stop-delay-ms",
    env: "UNKEY_FRONTLINE_STOP_DELAY_MS",
    help: "How long it goes on to accept after a stop, while its health check says 503 to load balancers.",
    placeholder: "<number>",
    schema: integerSchema(5_000, 0, HOUR_MS),
  }),
  apiHost: field({
    flag: "api-host",
    env: "UNKEY_API_HOST",
    help: "Host name at which the control plane's API is served, too. Default: it is not.",
    placeholder: "<host>",
    schema: textSchema(),
  }),
  certificatesOnDemand: switchField({
    flag: "certificates-on-demand",
    env: "UNKEY_CERTIFICATES_ON_DEMAND",
    help:
      "Order a certificate when a visitor asks for a host below the default domain that has a route and none.",
  }),
  controlPlaneBearer: secretField({
    env: "UNKEY_CONTROL_PLANE_BEARER",
    help: "The edge token.",
    required: true,
  }),
  frontlineId: field({
    flag: "frontline-id",
    env: "UNKEY_FRONTLINE_ID",
    help: "Name of this edge among all edges. Default: a new one at each start.",
    schema: textSchema(),
  }),
};

/** Rules between settings; for `loadConfig`. */
export const FRONTLINE_RULES: readonly Rule<FrontlineConfig>[] = [tlsClientProblems, apiHostProblems];

/** Requests for the API are passed on as they are, by a proxy that speaks clear text to its upstreams. */
function apiHostProblems({ apiHost: host, controlPlaneUrl: url }: FrontlineConfig): readonly string[] {
  const { apiHost, controlPlaneUrl } = FRONTLINE_FIELDS;
  if (host === undefined || !url.startsWith("https:")) return [];
  return [`${fieldName(apiHost)} needs an http:// URL in ${fieldName(controlPlaneUrl)}`];
}

export type FrontlineConfig = ConfigOf<typeof FRONTLINE_FIELDS>;
