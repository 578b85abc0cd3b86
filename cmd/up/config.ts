import { z } from "zod";
import {
  type ConfigOf,
  field,
  integerSchema,
  optionalPortSchema,
  portSchema,
  type Rule,
  textSchema,
} from "../../pkg/config/mod.ts";
import { HOST_DEFAULT } from "../../pkg/docker/mod.ts";
import { PROMETHEUS_PORT_FIELD } from "../../pkg/metrics_server/mod.ts";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { edgeFields } from "../../svc/frontline/config.ts";
import { SERVER_FIELDS, SERVER_RULES } from "./config_server.ts";
import { WORKER_FIELDS } from "../../svc/ctrl/worker/config/config.ts";

const EDGE = edgeFields("FRONTLINE");
const DRAIN_MS_MAX = 3_600_000;
const SLUG = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

function slugSchema(fallback: string): z.ZodType<string> {
  return z.string().default(fallback).refine((slug) => SLUG.test(slug), {
    message: "must be lower-case letters, digits and dashes, at most 40",
  });
}

/** Every setting of `up`. */
export const UP_FIELDS = {
  dataDir: field({
    flag: "data-dir",
    env: "UNKEY_DATA_DIR",
    help: "Folder for everything that is kept: database, uploads, secrets, logs.",
    placeholder: "<folder>",
    schema: textSchema(".unkey"),
  }),
  apiPort: field({
    flag: "api-port",
    env: "UNKEY_UP_API_PORT",
    help: "Port of the API, on 127.0.0.1. 0: any free one.",
    placeholder: "<port>",
    schema: portSchema(7091),
  }),
  edgePort: field({
    flag: "edge-port",
    env: "UNKEY_UP_EDGE_PORT",
    help:
      "Port that serves the apps, on 127.0.0.1. 0: any free one. Default: 7070; with --domain 80, on all addresses.",
    placeholder: "<port>",
    schema: optionalPortSchema(),
  }),
  ...SERVER_FIELDS,
  prometheusPort: {
    ...PROMETHEUS_PORT_FIELD,
    env: "UNKEY_UP_PROMETHEUS_PORT",
    help: "Port of /metrics of all parts for Prometheus, on 127.0.0.1. 0: metrics are off.",
  },
  project: field({
    flag: "project",
    env: "UNKEY_PROJECT",
    help: "Project to create unless it exists.",
    placeholder: "<slug>",
    schema: slugSchema("app"),
  }),
  dockerHost: field({
    flag: "docker-host",
    env: "DOCKER_HOST",
    help: "Docker Engine to build and run with.",
    placeholder: "<url>",
    schema: textSchema(HOST_DEFAULT),
  }),
  imagesKept: WORKER_FIELDS.imagesKept,
  readySeconds: WORKER_FIELDS.readySeconds,
  listenSeconds: WORKER_FIELDS.listenSeconds,
  stopGraceSeconds: WORKER_FIELDS.stopGraceSeconds,
  previewIdleDays: WORKER_FIELDS.previewIdleDays,
  trustedRegistries: WORKER_FIELDS.trustedRegistries,
  buildSources: WORKER_FIELDS.buildSources,
  buildCacheMib: WORKER_FIELDS.buildCacheMib,
  buildDiskFreeMib: WORKER_FIELDS.buildDiskFreeMib,
  uploadDiskFreeMib: API_FIELDS.uploadDiskFreeMib,
  trustedProxies: EDGE.trustedProxies,
  drainMs: {
    ...EDGE.drainMs,
    help: "How long running requests may go on after Ctrl-C.",
    schema: integerSchema(10_000, 1, DRAIN_MS_MAX),
  },
  headBytesMax: EDGE.headBytesMax,
  headersMax: EDGE.headersMax,
  responseHeadMsMax: EDGE.responseHeadMsMax,
  responseHeadBytesMax: EDGE.responseHeadBytesMax,
  responseHeadersMax: EDGE.responseHeadersMax,
  otlpEndpoint: WORKER_FIELDS.otlpEndpoint,
  otlpTracesEndpoint: WORKER_FIELDS.otlpTracesEndpoint,
  otlpHeaders: WORKER_FIELDS.otlpHeaders,
  otlpProtocol: WORKER_FIELDS.otlpProtocol,
  otlpTimeout: WORKER_FIELDS.otlpTimeout,
  tracesSampler: WORKER_FIELDS.tracesSampler,
  tracesSamplerArg: WORKER_FIELDS.tracesSamplerArg,
  otelServiceName: WORKER_FIELDS.otelServiceName,
  otelResourceAttributes: WORKER_FIELDS.otelResourceAttributes,
  outputKept: API_FIELDS.outputKept,
  outputSizeMax: API_FIELDS.outputSizeMax,
  auditKept: API_FIELDS.auditKept,
  cpuDefault: API_FIELDS.cpuDefault,
  cpuMax: API_FIELDS.cpuMax,
  memoryDefault: API_FIELDS.memoryDefault,
  memoryMax: API_FIELDS.memoryMax,
  replicasMax: API_FIELDS.replicasMax,
};

/** Parsed settings of `up`. */
export type UpConfig = ConfigOf<typeof UP_FIELDS>;

/** Rules between settings. */
export const UP_RULES: readonly Rule<UpConfig>[] = SERVER_RULES;
