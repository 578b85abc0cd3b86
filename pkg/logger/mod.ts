/**
 * Structured logs: one wide line per unit of work, on stderr as JSON.
 *
 * ```ts
 * const log = createLogger({ service: "ctrl-api", level: "info", write: (line) => console.error(line) });
 * log.with({ deployment_id: id }).info("deployment created", { duration_ms: 12 });
 * ```
 *
 * A logger is an argument, never a global: a test can read what was logged, and two services in one process differ.
 * Values wrapped in `Secret` print as `[secret]`; bodies, tokens and DSNs are never passed in the first place.
 *
 * @module
 */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes lines of one unit. `with` binds fields to all lines of the returned logger. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  with(fields: LogFields): Logger;
}

/** What a logger needs. */
export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  readonly now?: () => Date;
  readonly fields?: LogFields;
}

const RANK: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };

/** A logger that writes one JSON object per line. */
export function createLogger(options: LoggerOptions): Logger {
  const { service, level, write, now = () => new Date(), fields: bound = {} } = options;
  const emit = (at: LogLevel, event: string, fields: LogFields = {}): void => {
    if (RANK[at] < RANK[level]) return;
    write(
      JSON.stringify({ time: now().toISOString(), level: at, service, event, ...bound, ...fields }, plain),
    );
  };
  return {
    debug: (event, fields) => emit("debug", event, fields),
    info: (event, fields) => emit("info", event, fields),
    warn: (event, fields) => emit("warn", event, fields),
    error: (event, fields) => emit("error", event, fields),
    with: (fields) => createLogger({ ...options, fields: { ...bound, ...fields } }),
  };
}

/** A logger that drops everything, for tests and for commands whose output is for a person. */
export function silentLogger(): Logger {
  return createLogger({ service: "silent", level: "error", write: () => undefined });
}

/** JSON has no bigint and prints errors as `{}`. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return value;
}
