import type { AppSettings, HealthCheckSettings } from "../deployments/app/settings.ts";
import { cronSettings, type WireCron } from "./crons.ts";
import { command, healthCheckPath, invalid, port } from "./mod.ts";
import { sleepSettings } from "./sleep.ts";
import { scalingSettings, type WireScaling } from "./scaling.ts";

/** The operator's bounds of an app's settings. */
export interface AppLimits {
  readonly stopSecondsMax: number;
  readonly ephemeralStorageMibMax: number;
  readonly replicasMax: number;
}

/** Settings as messages have them: empty and 0 are not set. */
export interface WireApp {
  readonly port: number;
  readonly command: readonly string[];
  readonly healthCheck?: WireHealthCheck | undefined;
  readonly startSeconds: number;
  readonly stopSignal: string;
  readonly stopSeconds: number;
  readonly ephemeralStorageMib: number;
  readonly regions: readonly string[];
  readonly init?: boolean | undefined;
  readonly openapiPath: string;
  readonly releaseCommand: readonly string[];
  readonly releaseSeconds: number;
  readonly scaling?: WireScaling | undefined;
  readonly crons: readonly WireCron[];
  /** -1: never. */
  readonly sleepSeconds: number;
}

export interface WireHealthCheck {
  readonly kind: HealthCheckSettings["kind"];
  readonly path: string;
  readonly method: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expectedStatus: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly unhealthySeconds: number;
  readonly restartSeconds: number;
}

/** Below the ten minutes after which both runtimes restart an app that has never answered. */
export const START_SECONDS_MAX = 540;
/** An hour: a deployment that releases counts among the active ones of its workspace. */
export const RELEASE_SECONDS_MAX = 3_600;
const STORAGE_MIB_MIN = 16;
const REGIONS_MAX = 50;
const HEADERS_MAX = 20;
const HEADER_CHARACTERS_MAX = 1_024;
const INTERVAL_SECONDS_MAX = 300;
const TIMEOUT_SECONDS_MAX = 60;
const FAILING_SECONDS_MAX = 3_600;
const SIGNALS = [
  "SIGTERM",
  "SIGINT",
  "SIGQUIT",
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGKILL",
];

/** The settings that have a value. @throws `invalid_argument` for the first one that is not allowed */
export function appSettings(field: string, wire: WireApp | undefined, limits: AppLimits): AppSettings {
  if (wire === undefined) return {};
  const whole = (name: string, value: number, min: number, max: number, by = "") =>
    boundedInteger(`${field}.${name}`, value, { min, max, by });
  const operator = ", which the operator set as the most";
  const start = whole("start_seconds", wire.startSeconds, 1, START_SECONDS_MAX);
  const stop = whole("stop_seconds", wire.stopSeconds, 1, limits.stopSecondsMax, operator);
  const release = whole("release_seconds", wire.releaseSeconds, 1, RELEASE_SECONDS_MAX);
  const { ephemeralStorageMibMax } = limits;
  const storage = whole(
    "ephemeral_storage_mib",
    wire.ephemeralStorageMib,
    STORAGE_MIB_MIN,
    ephemeralStorageMibMax,
    operator,
  );
  return {
    ...(wire.port === 0 ? {} : { port: port(`${field}.port`, wire.port, 0) }),
    ...(wire.command.length === 0 ? {} : { command: command(`${field}.command`, wire.command) }),
    ...healthCheckSettings(`${field}.health_check`, wire.healthCheck),
    ...(start === undefined ? {} : { startSeconds: start }),
    ...(wire.stopSignal === "" ? {} : { stopSignal: stopSignal(`${field}.stop_signal`, wire.stopSignal) }),
    ...(stop === undefined ? {} : { stopSeconds: stop }),
    ...(storage === undefined ? {} : { ephemeralStorageMib: storage }),
    ...(wire.regions.length === 0 ? {} : { regions: regions(`${field}.regions`, wire.regions) }),
    ...(wire.init === undefined ? {} : { init: wire.init }),
    ...(wire.openapiPath === ""
      ? {}
      : { openapiPath: healthCheckPath(`${field}.openapi_path`, wire.openapiPath) }),
    ...(wire.releaseCommand.length === 0
      ? {}
      : { releaseCommand: command(`${field}.release_command`, wire.releaseCommand) }),
    ...(release === undefined ? {} : { releaseSeconds: release }),
    ...scalingSettings(`${field}.scaling`, wire.scaling, limits.replicasMax),
    ...sleepSettings(`${field}.sleep_seconds`, wire.sleepSeconds),
    ...(wire.crons.length === 0 ? {} : { crons: cronSettings(`${field}.crons`, wire.crons) }),
  };
}

function healthCheckSettings(
  field: string,
  wire: WireHealthCheck | undefined,
): { readonly healthCheck?: HealthCheckSettings } {
  if (wire === undefined) return {};
  const seconds = (name: string, value: number, max: number) =>
    boundedInteger(`${field}.${name}`, value, { min: 1, max, by: "" });
  const interval = seconds("interval_seconds", wire.intervalSeconds, INTERVAL_SECONDS_MAX);
  const timeout = seconds("timeout_seconds", wire.timeoutSeconds, TIMEOUT_SECONDS_MAX);
  const unhealthy = seconds("unhealthy_seconds", wire.unhealthySeconds, FAILING_SECONDS_MAX);
  const restart = seconds("restart_seconds", wire.restartSeconds, FAILING_SECONDS_MAX);
  const { kind, headers, host, expectedStatus } = wire;
  const asksHttp = [wire.path, wire.method, host, expectedStatus].some((value) => value !== "") ||
    Object.keys(headers).length > 0;
  if (asksHttp && kind !== undefined && kind !== "http") {
    throw invalid(field, `of the kind "${kind}" takes no path, method, host, headers and expected status`);
  }
  if (kind === "none" && [interval, timeout, unhealthy, restart].some((value) => value !== undefined)) {
    throw invalid(field, 'of the kind "none" takes no times: start_seconds says how long the app has to run');
  }
  const healthCheck: HealthCheckSettings = {
    ...(kind !== undefined ? { kind } : asksHttp ? { kind: "http" } : {}),
    ...(wire.path === "" ? {} : { path: healthCheckPath(`${field}.path`, wire.path) }),
    ...(wire.method === "" ? {} : { method: method(`${field}.method`, wire.method) }),
    ...(host === "" ? {} : { host: hostName(`${field}.host`, host) }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: headerFields(`${field}.headers`, headers) }),
    ...(expectedStatus === ""
      ? {}
      : { expectedStatus: statusRanges(`${field}.expected_status`, expectedStatus) }),
    ...(interval === undefined ? {} : { intervalSeconds: interval }),
    ...(timeout === undefined ? {} : { timeoutSeconds: timeout }),
    ...(unhealthy === undefined ? {} : { unhealthySeconds: unhealthy }),
    ...(restart === undefined ? {} : { restartSeconds: restart }),
  };
  return Object.keys(healthCheck).length === 0 ? {} : { healthCheck };
}

/** `undefined` for 0: not set. */
function boundedInteger(
  field: string,
  value: number,
  { min, max, by }: { readonly min: number; readonly max: number; readonly by: string },
): number | undefined {
  if (value === 0) return undefined;
  if (value >= min && value <= max) return value;
  throw invalid(field, `must be between ${min} and ${max}${by}`, String(value));
}

function stopSignal(field: string, value: string): string {
  if (SIGNALS.includes(value)) return value;
  throw invalid(field, `must be one of ${SIGNALS.join(", ")}`, value);
}

function method(field: string, value: string): "GET" | "HEAD" {
  if (value === "GET" || value === "HEAD") return value;
  throw invalid(field, "must be GET or HEAD", value);
}

function hostName(field: string, value: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/i.test(value)) return value;
  throw invalid(field, "must be a host name, with a port or without", value);
}

function headerFields(
  field: string,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(headers);
  if (entries.length > HEADERS_MAX) throw invalid(field, `must be at most ${HEADERS_MAX}`);
  for (const [name, value] of entries) {
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/i.test(name)) {
      throw invalid(field, "must have names of HTTP", name);
    }
    if (/^(?:host|connection|content-length|transfer-encoding|upgrade|expect)$/i.test(name)) {
      throw invalid(field, "must not have this one: the agent sets it", name);
    }
    if (value.length > HEADER_CHARACTERS_MAX || !/^[\x20-\x7e]*$/.test(value)) {
      throw invalid(
        `${field}.${name}`,
        `must be at most ${HEADER_CHARACTERS_MAX} printable ASCII characters`,
      );
    }
  }
  return headers;
}

function statusRanges(field: string, value: string): string {
  const text = value.replaceAll(" ", "");
  const ranges = text.split(",").map((each) => /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(each));
  const ordered = ranges.every((range) => range !== null && Number(range[1]) <= Number(range[2] ?? range[1]));
  if (ordered && ranges.length <= 20) return text;
  throw invalid(field, 'must be status codes and ranges such as "200-399" or "200,401"', value);
}

/** The placement of a deployment knows which regions there are. */
function regions(field: string, names: readonly string[]): readonly string[] {
  if (names.length > REGIONS_MAX) throw invalid(field, `must be at most ${REGIONS_MAX}`);
  for (const name of names) {
    if (!/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/.test(name)) {
      throw invalid(field, "must be names of regions", name);
    }
  }
  return [...new Set(names)];
}
