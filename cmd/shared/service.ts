/** Shared by the commands that run a service: log level, logger, and the end at a signal. */
import { z } from "zod";
import { type Process, VERSION } from "../../pkg/cli/mod.ts";
import type { Clock } from "../../pkg/clock/mod.ts";
import { type ConfigOf, field } from "../../pkg/config/mod.ts";
import { describeError } from "../../pkg/fault/mod.ts";
import { createLogger, type Logger } from "../../pkg/logger/mod.ts";

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
};

/** Shown below the settings of every service. */
export const SERVICE_NOTES =
  "Logs are JSON lines on standard error. SIGINT or SIGTERM ends it in order; a second one ends it at once.";

/** The part of the process that a service may use. */
export interface ServiceProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly version: string;
}

/**
 * Runs a service until it has stopped. A signal that comes while it still starts is an orderly end too. A failure is
 * logged with all its causes, which the user is not shown, then thrown on.
 */
export async function runService(
  name: string,
  { config, process }: {
    readonly config: ConfigOf<typeof SERVICE_FIELDS>;
    readonly process: Pick<Process, "clock" | "signal" | "log">;
  },
  run: (service: ServiceProcess) => Promise<void>,
): Promise<void> {
  const { clock, signal } = process;
  const log = createLogger({
    service: name,
    level: config.logLevel,
    write: process.log,
    now: () => new Date(clock.now()),
  });
  try {
    await run({ log, clock, signal, version: VERSION });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return;
    log.error("service failed", { error: describeError(error) });
    throw error;
  }
}
