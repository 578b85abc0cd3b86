import type { LogFields, Logger } from "../logger/mod.ts";
import { NO_METRICS } from "./none.ts";
import { counter, type Metrics } from "./types.ts";

/** Each failure of a loop logs a warning or an error, and each of these has a constant text. */
export const LOG_METRICS = {
  lines: counter("unkey_log_lines_total", "Lines of the log that are warnings or errors, by event.", [
    "level",
    "event",
  ]),
};

/** A logger whose warnings and errors are counted. */
export function countLines(log: Logger, metrics: Metrics): Logger {
  if (metrics === NO_METRICS) return log;
  const lines = metrics.counter(LOG_METRICS.lines);
  const counted = (inner: Logger): Logger => ({
    debug: (event, fields) => inner.debug(event, fields),
    info: (event, fields) => inner.info(event, fields),
    warn: (event, fields) => {
      lines.add({ level: "warn", event });
      inner.warn(event, fields);
    },
    error: (event, fields) => {
      lines.add({ level: "error", event });
      inner.error(event, fields);
    },
    with: (fields: LogFields) => counted(inner.with(fields)),
  });
  return counted(log);
}
