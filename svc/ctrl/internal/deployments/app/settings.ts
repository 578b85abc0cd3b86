/** The settings of an app, as requests, environments and rows have it. What is absent is not set. */
import { z } from "zod";
import { ScalingSchema } from "../../scaling/mod.ts";

/** A health check as it was set. */
const HealthCheck = z.object({
  /** `none`: an app without a port, which is healthy when it has run for its start time. */
  kind: z.enum(["port", "http", "image", "none"]).optional(),
  path: z.string().optional(),
  method: z.enum(["GET", "HEAD"]).optional(),
  /** Not set: the app's own host name. */
  host: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** E.g. `200-399` or `200,401`. */
  expectedStatus: z.string().optional(),
  intervalSeconds: z.number().optional(),
  timeoutSeconds: z.number().optional(),
  /** An app that was healthy and fails for so long gets no requests. */
  unhealthySeconds: z.number().optional(),
  /** An app that was healthy and fails for so long is restarted. */
  restartSeconds: z.number().optional(),
}).readonly();

/** A command that runs by the clock, as it was set. */
const Cron = z.object({
  /** Unique in its deployment. */
  name: z.string(),
  schedule: z.string(),
  command: z.array(z.string()).readonly(),
  /** Not set: UTC. */
  timezone: z.string().optional(),
  /** Not set: skip. */
  overlap: z.enum(["skip", "allow", "replace"]).optional(),
  /** Not set: an hour. */
  timeoutSeconds: z.number().optional(),
  /** Slugs of environments. Not set: production. */
  environments: z.array(z.string()).readonly().optional(),
}).readonly();

const Settings = z.object({
  port: z.number().optional(),
  /** Replaces the image's entry point and command. */
  command: z.array(z.string()).readonly().optional(),
  healthCheck: HealthCheck.optional(),
  startSeconds: z.number().optional(),
  stopSignal: z.string().optional(),
  stopSeconds: z.number().optional(),
  ephemeralStorageMib: z.number().optional(),
  /** Not set: all regions. */
  regions: z.array(z.string()).readonly().optional(),
  init: z.boolean().optional(),
  /** Path of its OpenAPI document. */
  openapiPath: z.string().optional(),
  /** Runs once for each deployment, before its instances start. */
  releaseCommand: z.array(z.string()).readonly().optional(),
  releaseSeconds: z.number().optional(),
  /** Of the number of instances. An environment's holds for what runs, too. */
  scaling: ScalingSchema.optional(),
  /** The time without a request after which it sleeps; 0: never. An environment's holds for what runs, too. */
  sleepSeconds: z.number().optional(),
  /** They hold while the deployment is live. */
  crons: z.array(Cron).readonly().optional(),
}).readonly();

const Snapshot = z.object({ own: Settings, environment: Settings }).readonly();

export type CronSettings = z.infer<typeof Cron>;
export type HealthCheckSettings = z.infer<typeof HealthCheck>;
export type AppSettings = z.infer<typeof Settings>;

/** The settings of a deployment: what its request set, and what its environment had then. */
export type AppSnapshot = z.infer<typeof Snapshot>;

/** `over` where it has a value, else `under`. A health check is one value. */
export function mergeApps(under: AppSettings, over: AppSettings): AppSettings {
  return { ...under, ...over };
}

/** The settings that hold for the deployment. */
export function settingsOf({ own, environment }: AppSnapshot): AppSettings {
  return mergeApps(environment, own);
}

/** The form of an environment's column; null for no value. */
export function encodeAppSettings(settings: AppSettings): string | null {
  return Object.keys(settings).length === 0 ? null : JSON.stringify(settings);
}

/** @throws when another program has written the column */
export function decodeAppSettings(text: string | null): AppSettings {
  return text === null ? {} : Settings.parse(JSON.parse(text));
}

/** The form of a deployment's column: the same settings are the same text. */
export function encodeAppSnapshot(snapshot: AppSnapshot): string {
  return JSON.stringify(Snapshot.parse(snapshot));
}

/**
 * `undefined` for a deployment of an older version, whose other columns have all that was set.
 *
 * @throws when another program has written the column
 */
export function decodeAppSnapshot(text: string | null): AppSnapshot | undefined {
  return text === null ? undefined : Snapshot.parse(JSON.parse(text));
}
