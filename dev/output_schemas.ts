/** The schemas of the JSON that commands print: published as `docs/schemas`, and applied to real output by tests. */
import { z } from "zod";
import type { DeploymentStatusJson } from "../cmd/status/deployment.ts";
import type { EventJson } from "../cmd/shared/deploying/event_lines.ts";
import type { DeployResult } from "../cmd/shared/deploying/result.ts";
import type { DeploymentJson } from "../cmd/shared/deployment_view.ts";
import type { SwitchJson } from "../cmd/shared/switch_view.ts";
import type { FailureJson } from "../pkg/cli/mod.ts";
import { API_DIFF } from "./api_diff_schema.ts";
import { APP_SHAPE } from "./app_schema.ts";
import { count, flag, of, text, texts, time } from "./schema_words.ts";
import { decision, summary } from "./context_schemas.ts";
import { cron, cronList } from "./cron_schema.ts";
import { DOMAIN } from "./domain_schema.ts";
import { limitRows } from "./limit_schema.ts";
import { line } from "./log_schema.ts";
import { protection, protectionOutputs } from "./protection_schema.ts";
import { planOutputs } from "./plan_schema.ts";
import { probes } from "./preflight_schema.ts";
import { certificate, instance, instanceEvent, region, trouble, worker } from "./status_schemas.ts";
import { gradual } from "./gradual_schema.ts";
import { receipt } from "./receipt_schema.ts";
import { run, runList } from "./run_schema.ts";
import { credentialOutputs } from "./session_schema.ts";
import { SCALED_REGIONS } from "./metrics_schema.ts";
import { measured } from "./trace_schemas.ts";

const error = of<FailureJson>()(z.strictObject({ code: text, message: text, request_id: text.optional() }));
const failure = z.strictObject({ error, exitCode: count });

/** The output of a command, or its failure. */
function printed(shape: z.core.$ZodLooseShape): z.ZodType {
  return z.union([z.strictObject(shape), failure]);
}

const deployResult = {
  id: text.nullable(),
  status: text,
  urls: texts,
  imageSourceDeploymentId: text.optional(),
  live: z.strictObject({ id: text, urls: texts }).optional(),
  receipt: receipt.optional(),
  environment: text.nullable(),
  project: text.nullable(),
  timings: z.strictObject({
    packMs: count.optional(),
    uploadMs: count.optional(),
    createMs: count.optional(),
    buildMs: count.optional(),
    deployMs: count.optional(),
    totalMs: count.optional(),
  }),
  warnings: z.array(z.strictObject({ code: text, message: text, paths: texts })).readonly(),
  error: error.extend({ phase: text.optional() }).optional(),
  exitCode: count,
};
const deployed = of<DeployResult>()(z.strictObject(deployResult));
/** A change of variables, with the deployment that gets it if that was asked for. */
const change = { set: texts.optional(), removed: texts.optional() };
const changed = z.union([
  z.strictObject({ project: text, environment: text, ...change }),
  z.strictObject({ ...deployResult, ...change }),
  failure,
]);

/** Each part that a command of `preflight` asked. */
const preflight = z.union([
  z.strictObject({ ready: z.literal(true), probes }),
  z.strictObject({ ready: z.literal(false), probes, error, exitCode: count }),
  failure,
]);

const switched = of<SwitchJson>()(z.strictObject({
  project: text,
  environment: text,
  from: text.optional(),
  to: text,
  path: text,
  rolledBack: flag,
  hostnames: texts,
  urls: texts,
  fromApp: z.strictObject(APP_SHAPE).optional(),
  toApp: z.strictObject(APP_SHAPE).optional(),
  receipt: receipt.optional(),
}));
const moved = z.union([switched.extend({ tookMs: count }), z.strictObject({ plan: switched }), failure]);

const deployment = of<DeploymentJson>()(z.strictObject({
  id: text,
  status: text,
  live: flag,
  liveDeploymentId: text.optional(),
  project: text,
  environment: text,
  rolledBack: z.literal(true).optional(),
  branch: text,
  protected: z.literal(true).optional(),
  asleep: z.strictObject({ since: time, waking: flag }).optional(),
  commit: z.strictObject({ sha: text, message: text, author: text }).optional(),
  urls: texts,
  instances: z.strictObject({ desired: count, running: count }),
  imageSourceDeploymentId: text.optional(),
  imageRemoved: z.literal(true).optional(),
  queue: z.strictObject({ position: count, blockers: texts, queuedAt: time }).optional(),
  stop: z.strictObject({ reason: text, message: text, at: time }).optional(),
  stopsAt: time.optional(),
  createdAt: time,
  updatedAt: time,
  error: z.strictObject({
    code: text,
    message: text,
    exitCode: count.optional(),
    output: z.strictObject({ source: text, origin: text, lines: texts }).optional(),
  }).optional(),
}));
const deploymentStatus = of<DeploymentStatusJson>()(deployment.extend({
  instances: z.strictObject({ desired: count, running: count, list: z.array(instance).readonly() }),
  size: z.strictObject({ memoryMib: count, cpuMillicores: count }).optional(),
  port: count.optional(),
  app: z.strictObject(APP_SHAPE),
  image: text,
  steps: z.array(z.strictObject({
    name: text,
    status: text,
    message: text,
    startedAt: time,
    endedAt: time.optional(),
    error: text.optional(),
  })).readonly(),
  scaledRegions: SCALED_REGIONS.optional(),
  lastSwitch: receipt.optional(),
  gradualSwitch: gradual.optional(),
  events: z.array(instanceEvent).readonly().optional(),
}));

const listed = (name: string, row: z.core.$ZodLooseShape, rest: z.core.$ZodLooseShape = {}): z.ZodType =>
  printed({ [name]: z.array(z.strictObject(row)), ...rest });

const origin = z.strictObject({
  kind: text,
  name: text.optional(),
  path: text.optional(),
  line: count.optional(),
  profile: text.optional(),
});

/** By the words of the command. */
export const OUTPUT_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  "init": printed({
    path: text,
    settings: z.looseObject({ project: text.optional() }),
    projectCreated: flag,
  }),
  "deploy": deployed,
  "attach": deployed,
  "redeploy": deployed,
  "login": printed({
    apiBaseUrl: text,
    profile: text,
    workspace: text,
    workspaceId: text,
    keyId: text,
    permissions: texts,
  }),
  "status": z.union([
    deploymentStatus,
    z.strictObject({
      regions: z.array(region),
      certificates: z.array(certificate).optional(),
      domains: z.array(trouble).optional(),
      gradualSwitches: z.array(gradual).optional(),
      workers: z.array(worker).optional(),
    }),
    failure,
  ]),
  "logs": z.union([line, failure]),
  ...measured(failure),
  "run": z.union([run, failure]),
  "crons pause": z.union([cron, failure]),
  "crons resume": z.union([cron, failure]),
  "rollback": moved,
  "promote": z.union([moved, z.strictObject({ gradualSwitch: gradual, exitCode: count.optional() })]),
  "cancel": printed({ id: text, status: text, rolledBack: switched.optional() }),
  "stop": printed({ id: text, status: text }),
  "start": printed({ id: text, status: text, urls: texts, tookMs: count }),
  "list": z.union([
    z.strictObject({ deployments: z.array(deployment), nextPageToken: text.optional() }),
    z.strictObject({
      projects: z.array(z.strictObject({
        id: text,
        slug: text,
        name: text,
        defaultBranch: text,
        liveDeploymentId: text.optional(),
        createdAt: time,
      })),
    }),
    z.strictObject({ switches: z.array(receipt), nextPageToken: text.optional() }),
    runList,
    cronList,
    failure,
  ]),
  "scale": printed({
    project: text,
    environment: text,
    size: z.strictObject({ memoryMib: count, cpuMillicores: count, replicas: count.optional() }),
    scaling: APP_SHAPE.scaling,
    sleepAfter: APP_SHAPE.sleepAfter,
  }),
  "environments set": printed({
    project: text,
    environment: text,
    idleEndSeconds: count.optional(),
    ...APP_SHAPE,
  }),
  "open": printed({ url: text, project: text, environment: text, deploymentId: text }),
  "environments list": listed("environments", {
    id: text,
    slug: text,
    description: text,
    liveDeploymentId: text.optional(),
    rolledBack: flag,
    size: z.strictObject({ memoryMib: count, cpuMillicores: count, replicas: count.optional() }).optional(),
    lastDeployedAt: time.optional(),
    idleEndSeconds: count,
    protection: protection.optional(),
    app: z.strictObject(APP_SHAPE),
  }, { project: text }),
  ...protectionOutputs(printed, failure),
  ...planOutputs(printed),
  "environments create": printed({ id: text, slug: text, project: text }),
  "environments delete": printed({ slug: text, project: text, stopped: texts }),
  "domains list": listed("domains", DOMAIN, { project: text }),
  "domains add": printed({ project: text, created: flag, ...DOMAIN }),
  "domains verify": printed({ project: text, ...DOMAIN }),
  "domains retry": printed({ project: text, ...DOMAIN }),
  "domains set": printed({ project: text, ...DOMAIN }),
  "domains remove": printed({ project: text, domain: text, removed: flag }),
  "variables list": listed("variables", { name: text, updatedAt: time }, {
    project: text,
    environment: text,
  }),
  "variables set": changed,
  "variables remove": changed,
  "registries list": listed("registries", { host: text, username: text, createdAt: time, updatedAt: time }),
  "registries add": printed({ host: text, username: text, replaced: flag }),
  "registries remove": printed({ host: text, removed: flag }),
  ...credentialOutputs(printed, listed),
  "audit": listed("entries", {
    id: text,
    createdAt: time,
    actor: z.strictObject({ kind: text, id: text.optional(), name: text.optional() }),
    action: text,
    resource: z.strictObject({ type: text, id: text }),
    projectId: text.optional(),
    environmentId: text.optional(),
    facts: z.record(text, z.unknown()),
  }, { nextPageToken: text.optional() }),
  "admin workspaces list": listed("workspaces", { id: text, slug: text, name: text, createdAt: time }),
  "admin workspaces create": printed({ workspaceId: text, slug: text, keyId: text, key: text }),
  "admin login-codes create": printed({ code: text, url: text, workspace: text, expiresAt: time }),
  "openapi diff": printed(API_DIFF),
  "limits": printed({ limits: limitRows }),
  "admin limits list": printed({ limits: limitRows }),
  "admin limits set": printed({ workspace: text, name: text, limit: count.optional() }),
  "admin region-tokens list": listed("tokens", {
    id: text,
    region: text,
    createdAt: time,
    networks: z.array(text).optional(),
  }),
  "admin region-tokens create": z.union([
    z.strictObject({ id: text, region: text, token: text }),
    z.strictObject({ id: text, region: text, tokenFile: text, created: flag }),
    failure,
  ]),
  "admin region-tokens revoke": printed({ id: text, revoked: flag }),
  "context explain": z.union([summary, decision, failure]),
  "config show": listed("settings", {
    flag: text.nullable(),
    variable: text,
    key: text.nullable(),
    secret: flag,
    values: z.array(z.strictObject({ value: text, origin })),
  }, { file: text.nullable() }),
  "upgrade": printed({ version: text, release: text, path: text.nullable() }),
  "version": printed({ version: text, os: text, arch: text, deno: text }),
  "healthcheck": z.union([
    z.strictObject({ healthy: z.literal(true), url: text, status: count, durationMs: count }),
    z.strictObject({
      healthy: z.literal(false),
      url: text,
      status: count.optional(),
      durationMs: count,
      error,
      exitCode: count,
    }),
    failure,
  ]),
  "preflight up": preflight,
  "preflight api": preflight,
  "preflight worker": preflight,
  "ctrl migrate": printed({ applied: texts }),
  "ctrl backup": printed({ folder: text, takenAt: text, tables: count, rows: count }),
  "ctrl restore": printed({
    folder: text,
    takenAt: text,
    rows: count,
    unfinished: texts,
    rootKeys: count,
    regionTokens: count,
    revokedRegionTokens: count,
  }),
  "ctrl rotate-keys": printed({ resealed: count, current: count, renewed: count }),
};

/** One line of `--output ndjson` of a command that follows a deployment. */
export const EVENT_SCHEMA = of<EventJson>()(z.union([
  z.strictObject({ kind: z.literal("created"), time, id: text }),
  z.strictObject({ kind: z.literal("status"), time, status: text, urls: texts.optional() }),
  z.strictObject({ kind: z.literal("step"), time, step: text, status: text, message: text }),
  z.strictObject({ kind: z.literal("log"), time, source: text, origin: text, text }),
  z.strictObject({ kind: z.literal("notice"), time, message: text }),
  z.strictObject({ kind: z.literal("result"), time, ...deployResult, ...change }),
]));

/** The files of `docs/schemas`: name and text. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const all = [...Object.entries(OUTPUT_SCHEMAS), ["events", EVENT_SCHEMA] as const];
  return new Map(all.map(([name, schema]) => {
    const title = name === "events" ? "An event of --output ndjson" : `unkey ${name} --json`;
    const { $schema, ...rest } = z.toJSONSchema(schema);
    return [
      `${name.replaceAll(" ", "_")}.json`,
      `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`,
    ];
  }));
}
