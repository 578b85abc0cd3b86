/** Shared by the commands that run a service: log level, logger, and the end at a signal. */
import { z } from "zod";
import { type Process, VERSION } from "../../pkg/cli/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import { type ConfigOf, field } from "../../pkg/config/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import { createLogger, type Logger } from "../../pkg/logger/mod.ts";
import { countLines, type Metrics, type MetricsRegistry } from "../../pkg/metrics/mod.ts";
import { METRICS_FROM_FIELD, PROMETHEUS_PORT_FIELD } from "../../pkg/metrics_server/mod.ts";
import { type MetricsPlace, openProcessMetrics } from "./metrics.ts";

/** Settings that every service's command has besides its own. */
export const SERVICE_FIELDS = {
  logLevel: field({
    flag: "log-level",
    env: "UNKEY_LOG_LEVEL",
    placeholder: "<debug|info|warn|error>",
    help: "Least important lines to log.",
    schema: z.enum(["debug", "info", "warn", "error"], { error: "must be debug, info, warn or error" })
      .default("info"),
  }),
  logFormat: field({
    flag: "log-format",
    env: "UNKEY_LOG_FORMAT",
    placeholder: "<json|text>",
    help: "Lines of the log as JSON, or as text for a person.",
    schema: z.enum(["json", "text"], { error: "must be json or text" }).default("json"),
  }),
  prometheusPort: PROMETHEUS_PORT_FIELD,
};

/** The same, of services whose own settings do not say who may read their metrics. */
export const METRICS_FIELDS = { metricsFrom: METRICS_FROM_FIELD };

/** Shown below the settings of every service. */
export const SERVICE_NOTES =
  "Logs are lines on standard error. SIGINT or SIGTERM ends it in order; a second one ends it at once.";

/** The part of the process that a service may use. */
export interface ServiceProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Counts nothing where metrics are off. */
  readonly metrics: Metrics;
  /** For a port of the service's own; absent where metrics are off. */
  readonly registry: MetricsRegistry | undefined;
}

export interface ServiceMetrics extends Omit<MetricsPlace, "port"> {
  /** Its label in all of them. */
  readonly part: string;
}

/**
 * Runs a service until it has stopped. A signal that comes while it still starts is an orderly end too. A failure is
 * logged with all its causes, which the user is not shown, then thrown on.
 */
export async function runService(
  name: string,
  { config, process, metrics }: {
    readonly config: ConfigOf<typeof SERVICE_FIELDS>;
    readonly process: Pick<Process, "clock" | "signal" | "log">;
    readonly metrics: ServiceMetrics;
  },
  run: (service: ServiceProcess) => Promise<void>,
): Promise<void> {
  const { clock, signal } = process;
  const log = createLogger({
    service: name,
    level: config.logLevel,
    format: config.logFormat,
    write: process.log,
    now: () => new Date(clock.now()),
  });
  try {
    const place = { ...metrics, port: config.prometheusPort };
    await using opened = await openProcessMetrics(place, { clock, log });
    const { registry } = opened;
    const own = opened.part(metrics.part);
    await run({ log: countLines(log, own), clock, signal, version: VERSION, metrics: own, registry });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return;
    log.error("service failed", { error: describeError(error) });
    throw error;
  }
}
