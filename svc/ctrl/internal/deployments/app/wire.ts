/** The settings of an app, as messages of `ctrl.v1` have it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AppSettings as Message,
  type AppSettingsSchema,
  HealthCheckSettings_Kind as Kind,
  type HealthCheckSettingsSchema,
  type ScalingSettingsSchema,
} from "../../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { WireApp } from "../../validate/app.ts";
import { wireSleep } from "../../validate/sleep.ts";
import { CronOverlap, type CronSettingsSchema } from "../../../../../proto/gen/ctrl/v1/cron_pb.ts";
import type { ScalingSettings } from "../../scaling/mod.ts";
import type { AppSettings, CronSettings, HealthCheckSettings } from "./settings.ts";

const KINDS = {
  [Kind.UNSPECIFIED]: undefined,
  [Kind.PORT]: "port",
  [Kind.HTTP]: "http",
  [Kind.IMAGE]: "image",
  [Kind.NONE]: "none",
} as const satisfies Record<Kind, HealthCheckSettings["kind"]>;

const WIRE_KINDS = { port: Kind.PORT, http: Kind.HTTP, image: Kind.IMAGE, none: Kind.NONE } as const;

const OVERLAPS = {
  [CronOverlap.UNSPECIFIED]: undefined,
  [CronOverlap.SKIP]: "skip",
  [CronOverlap.ALLOW]: "allow",
  [CronOverlap.REPLACE]: "replace",
} as const satisfies Record<CronOverlap, CronSettings["overlap"]>;

/** The values of messages for what happens to a run that has not ended. */
export const WIRE_OVERLAPS = {
  skip: CronOverlap.SKIP,
  allow: CronOverlap.ALLOW,
  replace: CronOverlap.REPLACE,
} as const;

/** The message with names for its enum's numbers; one that is not known counts as not set. */
export function decodeApp(message: Message | undefined): WireApp | undefined {
  if (message === undefined) return undefined;
  const { healthCheck, crons } = message;
  return {
    ...message,
    crons: crons.map((cron) => ({ ...cron, overlap: OVERLAPS[cron.overlap] })),
    healthCheck: healthCheck === undefined ? undefined : { ...healthCheck, kind: KINDS[healthCheck.kind] },
  };
}

/** The settings as a message. */
export function encodeApp(settings: AppSettings): MessageInitShape<typeof AppSettingsSchema> {
  const { port = 0, startSeconds = 0, stopSignal = "", stopSeconds = 0, ephemeralStorageMib = 0 } = settings;
  const { command = [], regions = [], init, healthCheck, openapiPath = "" } = settings;
  const { releaseCommand = [], releaseSeconds = 0, scaling, crons = [], sleepSeconds } = settings;
  return {
    port,
    command: [...command],
    startSeconds,
    stopSignal,
    stopSeconds,
    ephemeralStorageMib,
    regions: [...regions],
    openapiPath,
    releaseCommand: [...releaseCommand],
    releaseSeconds,
    crons: crons.map(encodeCron),
    sleepSeconds: wireSleep(sleepSeconds),
    ...(init === undefined ? {} : { init }),
    ...(healthCheck === undefined ? {} : { healthCheck: encodeCheck(healthCheck) }),
    ...(scaling === undefined ? {} : { scaling: encodeScaling(scaling) }),
  };
}

function encodeScaling(scaling: ScalingSettings): MessageInitShape<typeof ScalingSettingsSchema> {
  const { min = 0, max = 0, cpuPercent = 0, concurrency = 0, downSeconds = 0 } = scaling;
  return { min, max, cpuPercent, concurrency, downSeconds };
}

function encodeCheck(check: HealthCheckSettings): MessageInitShape<typeof HealthCheckSettingsSchema> {
  const { kind, path = "", method = "", host = "", headers = {}, expectedStatus = "" } = check;
  const { intervalSeconds = 0, timeoutSeconds = 0, unhealthySeconds = 0, restartSeconds = 0 } = check;
  return {
    kind: kind === undefined ? Kind.UNSPECIFIED : WIRE_KINDS[kind],
    path,
    method,
    host,
    headers: { ...headers },
    expectedStatus,
    intervalSeconds,
    timeoutSeconds,
    unhealthySeconds,
    restartSeconds,
  };
}

function encodeCron(cron: CronSettings): MessageInitShape<typeof CronSettingsSchema> {
  const { name, schedule, command, timezone = "", overlap, timeoutSeconds = 0, environments = [] } = cron;
  return {
    name,
    schedule,
    command: [...command],
    timezone,
    overlap: overlap === undefined ? CronOverlap.UNSPECIFIED : WIRE_OVERLAPS[overlap],
    timeoutSeconds,
    environments: [...environments],
  };
}
