/** The settings of an app in bodies of requests. Their bounds are those of the use cases. */
import { z } from "zod";
import type { AppSettings } from "../../internal/deployments/app/settings.ts";
import type { WireApp, WireHealthCheck } from "../../internal/validate/app.ts";
import type { WireScaling } from "../../internal/validate/scaling.ts";
import { wireSleep } from "../../internal/validate/sleep.ts";
import { named } from "./named.ts";
import type { WireSize } from "../../internal/validate/size.ts";

const filled = z.string().min(1);
const positive = z.int().min(1);

const healthCheckBody = z.strictObject({
  kind: z.enum(["port", "http", "image", "none"]).optional(),
  path: filled.optional(),
  method: z.enum(["GET", "HEAD"]).optional(),
  host: filled.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  expectedStatus: filled.optional(),
  intervalSeconds: positive.optional(),
  timeoutSeconds: positive.optional(),
  unhealthySeconds: positive.optional(),
  restartSeconds: positive.optional(),
});

const scalingBody = z.strictObject({
  min: positive.optional(),
  max: positive.optional(),
  cpuPercent: positive.optional(),
  concurrency: positive.optional(),
  downSeconds: positive.optional(),
});

const cronBody = z.strictObject({
  name: filled,
  schedule: filled.describe("The five fields of cron, or a name such as @daily."),
  command: z.array(z.string()).min(1),
  timezone: filled.optional().describe("UTC if absent."),
  overlap: z.enum(["skip", "allow", "replace"]).optional().describe("skip if absent."),
  timeoutSeconds: positive.optional().describe("An hour if absent."),
  environments: z.array(filled).min(1).optional().describe("production if absent."),
});

export const appBody = named(
  "AppSettings",
  z.strictObject({
    port: positive.optional(),
    command: z.array(z.string()).min(1).optional(),
    healthCheck: healthCheckBody.optional(),
    startSeconds: positive.optional(),
    stopSignal: filled.optional(),
    stopSeconds: positive.optional(),
    ephemeralStorageMib: positive.optional(),
    regions: z.array(filled).min(1).optional(),
    init: z.boolean().optional(),
    openapiPath: filled.optional(),
    releaseCommand: z.array(z.string()).min(1).optional(),
    releaseSeconds: positive.optional(),
    scaling: scalingBody.optional(),
    crons: z.array(cronBody).min(1).optional(),
    sleepSeconds: z.int().min(-1).optional().describe(
      "The time without a request after which it sleeps, until the next one. -1: never.",
    ),
  }),
  "The settings of an app. What is absent is not set.",
);

export const sizeBody = named(
  "SizeSettings",
  z.strictObject({
    cpuMillicores: positive.optional(),
    memoryMib: positive.optional(),
    replicas: positive.optional(),
  }),
  "The sizes to set. What is absent stays.",
);

/** The form that use cases check. */
export function wireApp(body: z.infer<typeof appBody>): WireApp {
  const { port = 0, command = [], healthCheck, startSeconds = 0, stopSignal = "", stopSeconds = 0 } = body;
  const { ephemeralStorageMib = 0, regions = [], init, openapiPath = "" } = body;
  const { releaseCommand = [], releaseSeconds = 0, scaling, crons = [], sleepSeconds = 0 } = body;
  return {
    port,
    command,
    healthCheck: healthCheck === undefined ? undefined : wireCheck(healthCheck),
    startSeconds,
    stopSignal,
    stopSeconds,
    ephemeralStorageMib,
    regions,
    init,
    openapiPath,
    releaseCommand,
    releaseSeconds,
    scaling: scaling === undefined ? undefined : wireScaling(scaling),
    sleepSeconds,
    crons: crons.map(({ timezone = "", overlap, timeoutSeconds = 0, environments = [], ...cron }) => ({
      ...cron,
      timezone,
      overlap,
      timeoutSeconds,
      environments,
    })),
  };
}

function wireScaling(body: z.infer<typeof scalingBody>): WireScaling {
  const { min = 0, max = 0, cpuPercent = 0, concurrency = 0, downSeconds = 0 } = body;
  return { min, max, cpuPercent, concurrency, downSeconds };
}

function wireCheck(body: z.infer<typeof healthCheckBody>): WireHealthCheck {
  const { kind, path = "", method = "", host = "", headers = {}, expectedStatus = "" } = body;
  const { intervalSeconds = 0, timeoutSeconds = 0, unhealthySeconds = 0, restartSeconds = 0 } = body;
  return {
    kind,
    path,
    method,
    host,
    headers,
    expectedStatus,
    intervalSeconds,
    timeoutSeconds,
    unhealthySeconds,
    restartSeconds,
  };
}

/** The size that use cases check. */
export function wireSize(
  { cpuMillicores = 0, memoryMib = 0, replicas = 0 }: z.infer<typeof sizeBody>,
): WireSize {
  return { cpuMillicores, memoryMib, replicas };
}

/** Stored settings as they are answered. */
export function shownApp(
  { command, releaseCommand, regions, healthCheck, scaling, crons, sleepSeconds, ...settings }: AppSettings,
): z.infer<typeof appBody> {
  return {
    ...settings,
    ...(command === undefined ? {} : { command: [...command] }),
    ...(releaseCommand === undefined ? {} : { releaseCommand: [...releaseCommand] }),
    ...(regions === undefined ? {} : { regions: [...regions] }),
    ...(healthCheck === undefined ? {} : { healthCheck: { ...healthCheck } }),
    ...(scaling === undefined ? {} : { scaling: { ...scaling } }),
    ...(sleepSeconds === undefined ? {} : { sleepSeconds: wireSleep(sleepSeconds) }),
    ...(crons === undefined ? {} : {
      crons: crons.map(({ command, environments, ...cron }) => ({
        ...cron,
        command: [...command],
        ...(environments === undefined ? {} : { environments: [...environments] }),
      })),
    }),
  };
}
