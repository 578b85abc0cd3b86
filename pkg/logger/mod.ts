/**
 * Structured logs: one wide line per unit of work, on stderr as JSON, or as text for a person.
 *
 * ```ts
 * const log = createLogger({ service: "ctrl-api", level: "info", write: (line) => console.error(line) });
 * log.with({ deployment_id: id }).info("deployment created", { duration_ms: 12 });
 * ```
 *
 * A logger is an argument, never a global: a test can read what was logged, and two services in one process differ.
 * A logger never throws: lines that cannot be written are counted, and as soon as one can be again, a line
 * `log lines lost` says how many there were. Values wrapped in `Secret` print as `[secret]`; bodies, tokens and DSNs are
 * never passed in the first place. Should one come all the same, in a field with such a name or in the text of an error,
 * it is `[redacted]`.
 *
 * @module
 */

import { formatLine, type LogFormat } from "./format.ts";

export type { LogFormat };
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

export interface LoggerOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** JSON by default. */
  readonly format?: LogFormat;
  /** Writes a line, which has no newline, or throws. */
  readonly write: (line: string) => void;
  readonly now?: () => Date;
  readonly fields?: LogFields;
}

const RANK: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40 };

/** A logger that writes one JSON object, or one text, per line. */
export function createLogger(options: LoggerOptions): Logger {
  const { service, level, format = "json", now = () => new Date(), fields = {} } = options;
  const line = (at: LogLevel, event: string, fields: LogFields): string =>
    formatLine(format, { time: now().toISOString(), level: at, service, event }, fields);
  const lines = new LossCounter(options.write, (lost) => line("warn", "log lines lost", lost));
  const loggerWith = (bound: LogFields): Logger => {
    const emit = (at: LogLevel, event: string, own: LogFields = {}): void => {
      if (RANK[at] >= RANK[level]) lines.write(line(at, event, { ...bound, ...own }));
    };
    return {
      debug: (event, own) => emit("debug", event, own),
      info: (event, own) => emit("info", event, own),
      warn: (event, own) => emit("warn", event, own),
      error: (event, own) => emit("error", event, own),
      with: (more) => loggerWith({ ...bound, ...more }),
    };
  };
  return loggerWith(fields);
}

/** The lines that were lost one after the other, and why the last of them was. */
interface Lost extends LogFields {
  readonly lines: number;
  readonly error: unknown;
}

/** Writes lines, and counts those that are lost because the disk is full or the reader is gone. */
class LossCounter {
  readonly #write: (line: string) => void;
  readonly #lineAbout: (lost: Lost) => string;
  #lost: Lost | undefined;

  constructor(write: (line: string) => void, lineAbout: (lost: Lost) => string) {
    this.#write = write;
    this.#lineAbout = lineAbout;
  }

  /** Writes a line, and before it a line about those that were lost. Never throws: no caller could do anything about it. */
  write(line: string): void {
    try {
      if (this.#lost !== undefined) this.#write(this.#lineAbout(this.#lost));
      this.#lost = undefined;
      this.#write(line);
    } catch (error) {
      this.#lost = { lines: (this.#lost?.lines ?? 0) + 1, error };
    }
  }
}

/** A logger that drops everything, for tests and for commands whose output is for a person. */
export function silentLogger(): Logger {
  return createLogger({ service: "silent", level: "error", write: () => undefined });
}
