import type { V1HTTPGetAction, V1Probe } from "@kubernetes/client-node";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { EXPECTED_DEFAULT, type HealthCheck } from "../../deployment/health_check.ts";

/** The probes of an app's container. */
export interface Probes {
  readonly startupProbe: V1Probe;
  readonly readinessProbe: V1Probe;
  readonly livenessProbe: V1Probe;
}

const SECOND_MS = 1_000;
const TIMEOUT_MS = 3_000;
const READINESS_MS = 2_000;
const LIVENESS_MS = 10_000;
/** An app that was healthy and fails for so long is unhealthy, and then restarted: as in the Docker runtime. */
const UNHEALTHY_MS = 5_000;
const RESTART_MS = 60_000;
/** An app may take ten minutes to start; then it is started again. */
const STARTUP_PROBES_MAX = 600;

/** A reason why the kubelet cannot make this check; `undefined`: it can. */
export function probeProblem(
  { kind, method, expectedStatus }: Pick<HealthCheck, "kind" | "method" | "expectedStatus">,
): string | undefined {
  if (kind !== "http") return undefined;
  if (method !== "GET") {
    return `Kubernetes asks health checks with GET, not with ${method}: leave the method out`;
  }
  if (expectedStatus === EXPECTED_DEFAULT) return undefined;
  return `Kubernetes takes the status codes ${EXPECTED_DEFAULT} as healthy, not ${expectedStatus}: ` +
    "leave the expected status out, or let the app answer so";
}

/**
 * The probes for the kubelet: that an app has started, asked each second, that it serves, and that a restart would not
 * help it. The times are those of the Docker runtime. `undefined` for an app without a health check.
 */
export function probes(
  { healthCheck, port }: Pick<DesiredDeployment, "healthCheck" | "port">,
): Probes | undefined {
  const timeoutSeconds = seconds(healthCheck.timeoutMs || TIMEOUT_MS);
  const { kind } = healthCheck;
  if (kind === "none") return undefined;
  const probe = { ...question(kind, healthCheck, port), timeoutSeconds };
  const start = healthCheck.kind === "command" ? { tcpSocket: { port }, timeoutSeconds } : probe;
  return {
    startupProbe: { ...start, periodSeconds: 1, failureThreshold: STARTUP_PROBES_MAX },
    readinessProbe: {
      ...probe,
      ...times(healthCheck.intervalMs || READINESS_MS, healthCheck.unhealthyMs || UNHEALTHY_MS),
    },
    livenessProbe: {
      ...probe,
      ...livenessTimes(healthCheck),
    },
  };
}

function question(
  kind: Exclude<HealthCheck["kind"], "none">,
  { path, host, headers, command }: HealthCheck,
  port: number,
): V1Probe {
  switch (kind) {
    case "port":
      return { tcpSocket: { port } };
    case "command":
      return { exec: { command: [...command] } };
    case "http":
      return { httpGet: { path, port, ...httpHeaders(host, headers) } };
  }
}

function httpHeaders(host: string, headers: HealthCheck["headers"]): Pick<V1HTTPGetAction, "httpHeaders"> {
  const all = Object.entries(headers).map(([name, value]) => ({ name, value }));
  if (host !== "") all.push({ name: "Host", value: host });
  return all.length === 0 ? {} : { httpHeaders: all };
}

/** A single failure restarts no app, however short its time is. */
const RESTART_FAILURES_MIN = 2;

function livenessTimes(
  { intervalMs, restartMs }: HealthCheck,
): Pick<V1Probe, "periodSeconds" | "failureThreshold"> {
  const failingMs = restartMs || RESTART_MS;
  const periodMs = Math.max(intervalMs, Math.min(LIVENESS_MS, failingMs / RESTART_FAILURES_MIN));
  return times(periodMs, Math.max(failingMs, RESTART_FAILURES_MIN * seconds(periodMs) * SECOND_MS));
}

/** So many questions that the last one comes `failingMs` after the first. */
function times(periodMs: number, failingMs: number): Pick<V1Probe, "periodSeconds" | "failureThreshold"> {
  const periodSeconds = seconds(periodMs);
  return { periodSeconds, failureThreshold: Math.max(1, Math.ceil(failingMs / SECOND_MS / periodSeconds)) };
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / SECOND_MS));
}
