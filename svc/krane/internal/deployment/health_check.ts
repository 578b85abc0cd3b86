/** The question whether an instance is healthy, as the control plane sends it. */
import { z } from "zod";
import { type ApplyDeployment, HealthCheck_Kind as Kind } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";

const Check = z.object({
  /** `command`: a command inside the container exits with 0, and the port accepts connections. `none`: see `settleMs`. */
  kind: z.enum(["port", "http", "command", "none"]),
  /** Of `http`; else empty. */
  path: z.string(),
  method: z.enum(["GET", "HEAD"]),
  /** Host header; empty: the address that is asked. */
  host: z.string(),
  headers: z.record(z.string(), z.string()).readonly(),
  /** E.g. `200-399` or `200,401`. */
  expectedStatus: z.string(),
  command: z.array(z.string()).readonly(),
  /** From one question to the next while the app is healthy; 0: the runtime's default, as for the other times. */
  intervalMs: z.number(),
  timeoutMs: z.number(),
  /** An app that was healthy and fails for so long is unhealthy. */
  unhealthyMs: z.number(),
  /** An app that was healthy and fails for so long is restarted. */
  restartMs: z.number(),
  /** Only of `none`: an app that has run for so long is healthy. */
  settleMs: z.number().optional(),
}).readonly();

export type HealthCheck = z.infer<typeof Check>;
export const HEALTH_CHECK: z.ZodType<HealthCheck> = Check;

/** The status codes of a healthy app that says nothing else. */
export const EXPECTED_DEFAULT = "200-399";

/** The check for an app that has no settings of its own. @param path empty: the port is asked */
export function plainCheck(path: string, host = ""): HealthCheck {
  return {
    kind: path === "" ? "port" : "http",
    path,
    method: "GET",
    host,
    headers: {},
    expectedStatus: EXPECTED_DEFAULT,
    command: [],
    intervalMs: 0,
    timeoutMs: 0,
    unhealthyMs: 0,
    restartMs: 0,
  };
}

/** The check of the message. Older control planes send a path and a host only. */
export function decodeHealthCheck(
  { healthCheck, healthCheckPath, healthCheckHost }: Pick<
    ApplyDeployment,
    "healthCheck" | "healthCheckPath" | "healthCheckHost"
  >,
): HealthCheck {
  if (healthCheck === undefined || healthCheck.kind === Kind.UNSPECIFIED) {
    return plainCheck(healthCheckPath, healthCheckHost);
  }
  const { path, host, headers, command, intervalMs, timeoutMs, unhealthyMs, restartMs } = healthCheck;
  return {
    kind: KINDS[healthCheck.kind],
    path,
    method: healthCheck.method === "HEAD" ? "HEAD" : "GET",
    host,
    headers,
    expectedStatus: healthCheck.expectedStatus || EXPECTED_DEFAULT,
    command,
    intervalMs,
    timeoutMs,
    unhealthyMs,
    restartMs,
    ...(healthCheck.kind === Kind.NONE ? { settleMs: healthCheck.settleMs } : {}),
  };
}

/** One of a later version is a port's. */
const KINDS: Readonly<Record<Kind, HealthCheck["kind"]>> = {
  [Kind.UNSPECIFIED]: "port",
  [Kind.PORT]: "port",
  [Kind.HTTP]: "http",
  [Kind.COMMAND]: "command",
  [Kind.NONE]: "none",
};

/** The parts of a check that cannot be made, for the agent's answer. */
export function healthCheckProblems(check: HealthCheck): string[] {
  const problems: string[] = [];
  if (check.kind === "http" && !check.path.startsWith("/")) {
    problems.push("health_check_path does not begin with a slash");
  }
  if (!/^[a-z0-9.:-]{0,260}$/i.test(check.host)) problems.push("health_check_host is no host");
  if (check.kind === "command" && check.command.length === 0) problems.push("health_check has no command");
  if (statusRanges(check.expectedStatus) === undefined) {
    problems.push("health_check.expected_status is no list");
  }
  const { intervalMs, timeoutMs, unhealthyMs, restartMs, settleMs = 0 } = check;
  if ([intervalMs, timeoutMs, unhealthyMs, restartMs, settleMs].some((ms) => ms < 0)) {
    problems.push("a time of health_check is negative");
  }
  return problems;
}

type Range = readonly [number, number];

function statusRanges(text: string): readonly Range[] | undefined {
  const ranges = text.split(",").map((each) => /^(\d{3})(?:-(\d{3}))?$/.exec(each));
  if (ranges.some((range) => range === null)) return undefined;
  const read = ranges.map((range): Range => [Number(range?.[1]), Number(range?.[2] ?? range?.[1])]);
  // No answer would be in a range that ends before it begins.
  return read.every(([from, to]) => from <= to) ? read : undefined;
}

/** True for a status code with which a healthy app answers. */
export function expects({ expectedStatus }: Pick<HealthCheck, "expectedStatus">, status: number): boolean {
  return (statusRanges(expectedStatus) ?? []).some(([from, to]) => status >= from && status <= to);
}

/** The failing check, as the end of a sentence. @param detail what came back; empty where the runtime does not tell */
export function failingText(check: HealthCheck, port: number, detail = ""): string {
  const seen = detail === "" ? "" : ` (${detail})`;
  switch (check.kind) {
    case "none":
      return "it has not run for its start time yet";
    case "port":
      return `nothing answers on port ${port}${seen}`;
    case "command":
      return `its health check, the command ${
        check.command.join(" ").slice(0, COMMAND_SHOWN_MAX)
      }, fails${seen}`;
    case "http": {
      const wanted = check.expectedStatus === EXPECTED_DEFAULT ? "2xx or 3xx" : check.expectedStatus;
      return `its health check ${check.method} ${check.path} on port ${port} does not answer ${wanted}${seen}`;
    }
  }
}

const COMMAND_SHOWN_MAX = 200;

/** The time that a run of an app without a health check has to last on until it is healthy, in milliseconds; 0: none. */
export function unsettledMs({ settleMs = 0 }: HealthCheck, startedAtMs: number, nowMs: number): number {
  return Math.max(0, startedAtMs + settleMs - nowMs);
}
