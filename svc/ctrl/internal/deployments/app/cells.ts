/** Settings by their names in `unkey.json`, each as a text: what can be compared and shown. */
import { durationText } from "../../../../../pkg/config/mod.ts";
import type { SizeSettings } from "../size.ts";
import type { AppSettings, HealthCheckSettings } from "./settings.ts";

/** A value of a setting. */
export interface Cell {
  /** The text for people. */
  readonly shown: string;
  /** Equal for equal values, also where `shown` hides them. */
  readonly key: string;
}

/** Values by names such as `port` and `healthCheck.path`. What is not set has none. */
export type Cells = ReadonlyMap<string, Cell>;

/** A value that is not shown. */
export const HIDDEN = "(set)";

/** The part of a cell's name that a settings file sets as a whole, e.g. `healthCheck` of `healthCheck.path`. */
export function settingOf(name: string): string {
  return name.split(".", 1)[0] ?? name;
}

/** The cells of a size. A replica count of 0 is not set. */
export function sizeCells({ memoryMib, cpuMillicores, replicas }: SizeSettings): Cells {
  return new Map([
    ...plain("memory", memoryMib === undefined ? undefined : `${memoryMib} MiB`),
    ...plain("cpu", cpuMillicores === undefined ? undefined : String(cpuMillicores / 1_000)),
    ...plain("replicas", replicas === undefined || replicas === 0 ? undefined : String(replicas)),
  ]);
}

/** The cells of an app's settings. */
export function appCells(settings: AppSettings): Cells {
  const { startSeconds, stopSeconds, releaseSeconds, ephemeralStorageMib, healthCheck } = settings;
  const { scaling = {}, crons = [] } = settings;
  const cells: [string, Cell][] = [
    ...plain("port", settings.port),
    ...plain("command", words(settings.command)),
    ...(healthCheck === undefined ? [] : healthCheckCells(healthCheck)),
    ...plain("startTimeout", seconds(startSeconds)),
    ...plain("stopSignal", settings.stopSignal),
    ...plain("stopTimeout", seconds(stopSeconds)),
    ...plain(
      "ephemeralStorage",
      ephemeralStorageMib === undefined ? undefined : `${ephemeralStorageMib} MiB`,
    ),
    ...plain("regions", settings.regions?.join(", ")),
    ...plain("init", settings.init),
    ...plain("openapiPath", settings.openapiPath),
    ...plain("releaseCommand", words(settings.releaseCommand)),
    ...plain("releaseTimeout", seconds(releaseSeconds)),
    ...plain("scaling.min", scaling.min),
    ...plain("scaling.max", scaling.max),
    ...plain("scaling.cpu", scaling.cpuPercent),
    ...plain("scaling.concurrency", scaling.concurrency),
    ...plain("scaling.downAfter", seconds(scaling.downSeconds)),
    ...plain("sleepAfter", settings.sleepSeconds === 0 ? "never" : seconds(settings.sleepSeconds)),
  ];
  for (const { name, timeoutSeconds, ...cron } of crons) {
    const timeout = seconds(timeoutSeconds);
    cells.push(
      ...plain(`crons.${name}`, JSON.stringify({ ...cron, ...(timeout === undefined ? {} : { timeout }) })),
    );
  }
  return new Map(cells);
}

/** A header may be a credential of the health check, so its value is compared and not shown. */
function healthCheckCells(check: HealthCheckSettings): [string, Cell][] {
  const headers = Object.entries(check.headers ?? {});
  return [
    ...plain("healthCheck.type", check.kind),
    ...plain("healthCheck.path", check.path),
    ...plain("healthCheck.method", check.method),
    ...plain("healthCheck.host", check.host),
    ...headers.map(([name, key]): [string, Cell] => [`healthCheck.headers.${name}`, { shown: HIDDEN, key }]),
    ...plain("healthCheck.expect", check.expectedStatus),
    ...plain("healthCheck.interval", seconds(check.intervalSeconds)),
    ...plain("healthCheck.timeout", seconds(check.timeoutSeconds)),
    ...plain("healthCheck.unhealthyAfter", seconds(check.unhealthySeconds)),
    ...plain("healthCheck.restartAfter", seconds(check.restartSeconds)),
  ];
}

function plain(name: string, value: string | number | boolean | undefined): [string, Cell][] {
  if (value === undefined) return [];
  const text = String(value);
  return [[name, { shown: text, key: text }]];
}

function words(command: readonly string[] | undefined): string | undefined {
  return command === undefined ? undefined : JSON.stringify(command);
}

function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : durationText(value * 1_000);
}
