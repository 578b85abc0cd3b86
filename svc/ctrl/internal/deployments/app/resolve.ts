/** The effect of an app's settings and of its image on how it is run. Pure. */
import type { ImageConfig } from "../../../../../pkg/registry/mod.ts";
import type { AppSettings, HealthCheckSettings } from "./settings.ts";

/** A health check as agents make it; times in milliseconds, 0: the agent's default. */
export interface HealthCheck {
  readonly kind: "port" | "http" | "command" | "none";
  readonly path: string;
  readonly method: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expectedStatus: string;
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly unhealthyMs: number;
  readonly restartMs: number;
  /** Only of `none`: how long a run has to last until the app counts as healthy. */
  readonly settleMs?: number;
}

/** The port of an app for which neither a setting nor its image names one. */
export const PORT_DEFAULT = 8080;
/** The better known ones among several exposed ports. */
const PORTS_PREFERRED = [PORT_DEFAULT, 80, 3000, 8000, 5000];
/** The ends of names of programs that collect orphans, or that must be the first process. */
const INIT_PROGRAMS =
  /(?:^|\/)(?:init|tini(?:-static)?|dumb-init|catatonit|s6-svscan|s6-overlay-suexec|systemd|my_init|runit(?:-init)?|supervisord)$/;
const SECOND_MS = 1_000;
/** The run of an app without a health check that makes it healthy: a wrong setting mostly ends it sooner. */
export const SETTLE_SECONDS_DEFAULT = 10;
/** Of a `HEALTHCHECK` that does not say. */
const RETRIES_DEFAULT = 3;

/** The port of the app. */
export function portOf({ port }: AppSettings, image: Pick<ImageConfig, "exposedPorts"> | undefined): number {
  if (port !== undefined) return port;
  const exposed = image?.exposedPorts ?? [];
  return PORTS_PREFERRED.find((each) => exposed.includes(each)) ?? exposed[0] ?? PORT_DEFAULT;
}

/** True for an app that gets an init process as its parent. An image that cannot be read, or brings one, is left as it is. */
export function initOf({ init, command }: AppSettings, image: ImageConfig | undefined): boolean {
  if (init !== undefined) return init;
  if (image === undefined) return false;
  const [program = ""] = command ?? [...image.entrypoint, ...image.command];
  return !INIT_PROGRAMS.test(program);
}

/** The health check of the app. @param host the app's own host name */
export function healthCheckOf(
  { healthCheck = {}, startSeconds = SETTLE_SECONDS_DEFAULT }: AppSettings,
  image: ImageConfig | undefined,
  host: string,
): HealthCheck {
  const own = image?.healthCheck;
  const kind = kindOf(healthCheck, own !== undefined);
  const times = timesOf(healthCheck);
  const http = kind === "http";
  const common = {
    kind,
    path: http ? healthCheck.path ?? "/" : "",
    method: http ? healthCheck.method ?? "" : "",
    host: http ? healthCheck.host ?? host : "",
    headers: http ? healthCheck.headers ?? {} : {},
    expectedStatus: http ? healthCheck.expectedStatus ?? "" : "",
    command: [],
    ...times,
  };
  if (kind === "none") return { ...common, settleMs: startSeconds * SECOND_MS };
  if (kind !== "command" || own === undefined) return common;
  const intervalMs = times.intervalMs || own.intervalMs;
  // Docker's own rule is a number of failures in a row, each an interval apart.
  const failuresMs = intervalMs === 0 ? 0 : intervalMs * (own.retries || RETRIES_DEFAULT);
  return {
    ...common,
    command: own.command,
    intervalMs,
    timeoutMs: times.timeoutMs || own.timeoutMs,
    unhealthyMs: times.unhealthyMs || failuresMs,
  };
}

function kindOf({ kind, path }: HealthCheckSettings, hasImageCheck: boolean): HealthCheck["kind"] {
  const wanted = kind ?? (path === undefined ? hasImageCheck ? "image" : "port" : "http");
  return wanted !== "image" ? wanted : hasImageCheck ? "command" : "port";
}

function timesOf(check: HealthCheckSettings) {
  const ms = (seconds = 0): number => seconds * SECOND_MS;
  return {
    intervalMs: ms(check.intervalSeconds),
    timeoutMs: ms(check.timeoutSeconds),
    unhealthyMs: ms(check.unhealthySeconds),
    restartMs: ms(check.restartSeconds),
  };
}
