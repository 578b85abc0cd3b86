/** The settings of an app, as flags and `unkey.json` have it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ConfigOf, field, listField, parsedSchema } from "../../pkg/config/mod.ts";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { AppSettingsSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { CRON_FIELD } from "./cron_field.ts";
import { HEALTH_CHECK_FIELDS, healthCheckOf } from "./health_check_fields.ts";
import { optionalDurationField } from "./duration_field.ts";
import { parseMemory } from "./size_fields.ts";
import { SCALING_FIELDS, scalingOf } from "./scaling_fields.ts";
import { SLEEP_FIELD, sleepSecondsOf } from "./sleep_field.ts";
import { releaseWords } from "./release_words.ts";
import { splitWords } from "./words.ts";

/** The control plane takes no more. */
const START_MS_MAX = 540_000;
const STOP_MS_MAX = 3_600_000;
const RELEASE_MS_MAX = 3_600_000;
const SECOND_MS = 1_000;

const BOOLEANS = { true: true, false: false } as const;

/** Fields whose values are absent where nothing is given. */
export const APP_FIELDS = {
  port: field({
    flag: "port",
    env: "UNKEY_APP_PORT",
    file: "port",
    placeholder: "<port>",
    help:
      "Port that the app listens on; it also gets it as PORT. Default: the one that the image exposes, else 8080.",
    schema: parsedSchema(
      (text) =>
        /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : undefined,
      "must be a whole number between 1 and 65535",
    ),
  }),
  command: field({
    flag: "command",
    env: "UNKEY_COMMAND",
    file: "command",
    placeholder: "<words>",
    help: 'Command line that replaces the image\'s, e.g. "node server.js".',
    schema: parsedSchema(splitWords, "must be a command line whose quotes have an end"),
  }),
  ...HEALTH_CHECK_FIELDS,
  startTimeoutMs: optionalDurationField(START_MS_MAX, {
    flag: "start-timeout",
    env: "UNKEY_START_TIMEOUT",
    file: "startTimeout",
    help:
      "How long the app has to listen, or to be healthy, e.g. 90s or 5m. Default: the operator's, mostly 60s.",
  }),
  stopSignal: field({
    flag: "stop-signal",
    env: "UNKEY_STOP_SIGNAL",
    file: "stopSignal",
    placeholder: "<signal>",
    help: "Signal that asks the app to end, e.g. SIGQUIT. Default: the image's, else SIGTERM.",
    schema: parsedSchema(
      (text) => /^(?:SIG)?[A-Z0-9]{2,8}$/i.test(text) ? signalName(text) : undefined,
      "must be the name of a signal such as SIGQUIT",
    ),
  }),
  stopTimeoutMs: optionalDurationField(STOP_MS_MAX, {
    flag: "stop-timeout",
    env: "UNKEY_STOP_TIMEOUT",
    file: "stopTimeout",
    help: "How long the app has to end after its stop signal. Default: the operator's, mostly 10s.",
  }),
  ephemeralStorage: field({
    flag: "ephemeral-storage",
    env: "UNKEY_EPHEMERAL_STORAGE",
    file: "ephemeralStorage",
    placeholder: "<size>",
    help: "Disk of each instance, in MiB or like 2GiB; it ends with the instance.",
    schema: parsedSchema(parseMemory, "must be MiB such as 512, or a size such as 2GiB"),
  }),
  regions: listField({
    flag: "region",
    env: "UNKEY_REGIONS",
    file: "regions",
    placeholder: "<name>",
    help: "Region to run in. Repeatable. Default: all.",
    parse: (values) => values.flatMap((value) => value.split(",")).map(regionName),
  }),
  init: field({
    flag: "init",
    env: "UNKEY_INIT",
    file: "init",
    placeholder: "<true|false>",
    help:
      "Whether a small init process collects the app's orphans. Default: in Docker, but for images with their own.",
    schema: parsedSchema(
      (text) => text === "true" || text === "false" ? BOOLEANS[text] : undefined,
      "must be true or false",
    ),
  }),
  openapiPath: field({
    flag: "openapi-path",
    env: "UNKEY_OPENAPI_PATH",
    file: "openapiPath",
    placeholder: "<path>",
    help: "Where the app serves its OpenAPI document, e.g. /openapi.json. Default: it is not read.",
    schema: parsedSchema(
      (text) => /^\/[\x21-\x7e]*$/.test(text) ? text : undefined,
      'must be a path that begins with "/"',
    ),
  }),
  releaseCommand: field({
    flag: "release-command",
    env: "UNKEY_RELEASE_COMMAND",
    file: "releaseCommand",
    placeholder: "<command>",
    help:
      'Command that runs once in the new image before it starts, e.g. "npm run migrate"; run by sh -c, or a JSON list of words.',
    schema: parsedSchema(releaseWords, "must be a command"),
  }),
  releaseTimeoutMs: optionalDurationField(RELEASE_MS_MAX, {
    flag: "release-timeout",
    env: "UNKEY_RELEASE_TIMEOUT",
    file: "releaseTimeout",
    help: "How long the release command may run. Default: 10m.",
  }),
  ...SCALING_FIELDS,
  sleepAfterMs: SLEEP_FIELD,
  crons: CRON_FIELD,
};

export type AppConfig = ConfigOf<typeof APP_FIELDS>;

function signalName(text: string): string {
  const name = text.toUpperCase();
  return name.startsWith("SIG") ? name : `SIG${name}`;
}

function regionName(name: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/.test(name.trim())) return name.trim();
  throw publicFault("invalid_argument", `must be names of regions: "${name.slice(0, 80)}" is none`);
}

/** The message, or `undefined` when nothing is set. */
export function appOf(config: AppConfig): MessageInitShape<typeof AppSettingsSchema> | undefined {
  const { port = 0, command = [], stopSignal = "", ephemeralStorage = 0, regions, init, openapiPath = "" } =
    config;
  const seconds = (ms = 0): number => Math.ceil(ms / SECOND_MS);
  const healthCheck = healthCheckOf(config);
  const scaling = scalingOf(config);
  const app = {
    port,
    command: [...command],
    startSeconds: seconds(config.startTimeoutMs),
    stopSignal,
    stopSeconds: seconds(config.stopTimeoutMs),
    ephemeralStorageMib: ephemeralStorage,
    regions: [...regions],
    openapiPath,
    releaseCommand: [...config.releaseCommand ?? []],
    releaseSeconds: seconds(config.releaseTimeoutMs),
    crons: [...config.crons],
    sleepSeconds: sleepSecondsOf(config.sleepAfterMs),
    ...(healthCheck === undefined ? {} : { healthCheck }),
    ...(init === undefined ? {} : { init }),
    ...(scaling === undefined ? {} : { scaling }),
  };
  const isSet = Object.values(app).some((value) =>
    Array.isArray(value) ? value.length > 0 : value !== 0 && value !== ""
  );
  return isSet ? app : undefined;
}
