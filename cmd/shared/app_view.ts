/** The settings of apps, as commands show them. */
import { durationText } from "../../pkg/config/mod.ts";
import {
  type AppSettings,
  type HealthCheckSettings,
  HealthCheckSettings_Kind as Kind,
  type Size,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { cronEntry } from "./cron_field.ts";
import { releaseText } from "./release_words.ts";
import { scalingJson } from "./scaling_fields.ts";
import { sleepAfterText } from "./sleep_field.ts";
import { joinWords } from "./words.ts";

/** The settings of an environment and the size of its next deployment. */
export interface ShownApp {
  readonly settings?: AppSettings | undefined;
  readonly size?: Size | undefined;
}

const TYPES = {
  [Kind.UNSPECIFIED]: undefined,
  [Kind.PORT]: "port",
  [Kind.HTTP]: "http",
  [Kind.IMAGE]: "image",
  [Kind.NONE]: "none",
} as const;

/** The settings of an app in printed JSON. */
export type AppJson = Partial<ReturnType<typeof settingsJson>> & {
  readonly memory?: number;
  readonly cpu?: number;
  readonly replicas?: number;
};

/** The keys are those of `unkey.json`; what is not set is absent. */
export function appJson({ settings, size }: ShownApp): AppJson {
  return {
    ...(settings === undefined ? {} : settingsJson(settings)),
    ...(size === undefined ? {} : {
      memory: size.memoryMib,
      cpu: size.cpuMillicores / 1_000,
      ...(size.replicas === 0 ? {} : { replicas: size.replicas }),
    }),
  };
}

/** The settings that differ, as rows with the value of each side; `-` is not set. */
export function changedRows(from: ShownApp, to: ShownApp): string[][] {
  const [former, later] = [new Map(pairs(from)), new Map(pairs(to))];
  const names = [...new Set([...former.keys(), ...later.keys()])];
  return names.map((name) => [name, former.get(name) ?? "", later.get(name) ?? ""])
    .filter(([, before, after]) => before !== after);
}

function pairs(shown: ShownApp): (readonly [string, string])[] {
  return appRows(shown).map(([name = "", value = ""]) => [name, value]);
}

/** One row for each setting that has a value. */
export function appRows(shown: ShownApp): string[][] {
  const {
    healthCheck = {},
    command,
    releaseCommand,
    regions,
    memory,
    ephemeralStorage,
    scaling,
    crons = [],
    ...rest
  } = appJson(shown);
  const rows: Record<string, unknown> = {
    ...rest,
    ...(command === undefined ? {} : { command: joinWords(command) }),
    ...(releaseCommand === undefined ? {} : { releaseCommand: releaseText(releaseCommand) }),
    ...(regions === undefined ? {} : { regions: regions.join(", ") }),
    ...(memory === undefined ? {} : { memory: `${memory} MiB` }),
    ...(ephemeralStorage === undefined ? {} : { ephemeralStorage: `${ephemeralStorage} MiB` }),
  };
  for (const [key, value] of Object.entries(healthCheck)) {
    rows[`healthCheck.${key}`] = typeof value === "object" ? JSON.stringify(value) : value;
  }
  for (const [key, value] of Object.entries(scaling ?? {})) rows[`scaling.${key}`] = value;
  for (const { name, ...cron } of crons) rows[`crons.${name}`] = JSON.stringify(cron);
  return Object.entries(rows).map(([key, value]) => [key, String(value)]);
}

function settingsJson(settings: AppSettings) {
  const {
    port,
    command,
    healthCheck,
    startSeconds,
    stopSignal,
    stopSeconds,
    ephemeralStorageMib,
    regions,
    init,
    openapiPath,
    releaseCommand,
    releaseSeconds,
    scaling,
    crons,
    sleepSeconds,
  } = settings;
  const sleepAfter = sleepAfterText(sleepSeconds);
  return {
    ...(port === 0 ? {} : { port }),
    ...(command.length === 0 ? {} : { command }),
    ...(healthCheck === undefined ? {} : { healthCheck: healthCheckJson(healthCheck) }),
    ...(startSeconds === 0 ? {} : { startTimeout: seconds(startSeconds) }),
    ...(stopSignal === "" ? {} : { stopSignal }),
    ...(stopSeconds === 0 ? {} : { stopTimeout: seconds(stopSeconds) }),
    ...(ephemeralStorageMib === 0 ? {} : { ephemeralStorage: ephemeralStorageMib }),
    ...(regions.length === 0 ? {} : { regions }),
    ...(init === undefined ? {} : { init }),
    ...(openapiPath === "" ? {} : { openapiPath }),
    ...(releaseCommand.length === 0 ? {} : { releaseCommand }),
    ...(releaseSeconds === 0 ? {} : { releaseTimeout: seconds(releaseSeconds) }),
    ...(scaling === undefined ? {} : { scaling: scalingJson(scaling) }),
    ...(crons.length === 0 ? {} : { crons: crons.map(cronEntry) }),
    ...(sleepAfter === undefined ? {} : { sleepAfter }),
  };
}

function healthCheckJson(check: HealthCheckSettings) {
  const type = TYPES[check.kind];
  const times = {
    interval: check.intervalSeconds,
    timeout: check.timeoutSeconds,
    unhealthyAfter: check.unhealthySeconds,
    restartAfter: check.restartSeconds,
  };
  return {
    ...(type === undefined ? {} : { type }),
    ...(check.path === "" ? {} : { path: check.path }),
    ...(check.method === "" ? {} : { method: check.method }),
    ...(check.host === "" ? {} : { host: check.host }),
    ...(Object.keys(check.headers).length === 0 ? {} : { headers: check.headers }),
    ...(check.expectedStatus === "" ? {} : { expect: check.expectedStatus }),
    ...Object.fromEntries(
      Object.entries(times).filter(([, value]) => value !== 0).map(([name, value]) => [name, seconds(value)]),
    ),
  };
}

function seconds(value: number): string {
  return durationText(value * 1_000);
}
