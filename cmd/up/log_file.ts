import { existsSync } from "node:fs";
import { createLogger, type Logger, type LogLevel } from "../../pkg/logger/mod.ts";

const BYTES_MAX = 20 * 1024 * 1024;

/** Loggers that write to one file. */
export interface LogFile extends Disposable {
  logger(service: string): Logger;
}

/**
 * Opens a log file that is put aside as `PATH.1` whenever it has grown to 20 MB. What it cannot take, because the disk is
 * full, is lost; the loggers say so in it once there is space again.
 */
export function openLogFile(path: string, level: LogLevel): LogFile {
  const file = new RotatedFile(path);
  const log = createLogger({ service: "up", level, write: (line) => file.write(line) });
  return {
    logger: (service) => log.with({ service }),
    [Symbol.dispose]: () => file.close(),
  };
}

/** Loggers that write to standard error, for a service manager that keeps it. */
export function logsToStderr({ log: write }: { readonly log: (line: string) => void }): LogFile {
  const log = createLogger({ service: "up", level: "info", write });
  return { logger: (service) => log.with({ service }), [Symbol.dispose]: () => undefined };
}

class RotatedFile {
  readonly #path: string;
  #file: Deno.FsFile;
  #size: number;
  /** True while the last line is written in part. */
  #torn = false;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
    this.#file = open(path);
    this.#size = this.#file.statSync().size;
  }

  /** Writes a line, or throws and leaves the file so that the next line is whole again. */
  write(line: string): void {
    if (this.#closed) return; // a part that ends after the log has no line that matters
    if (this.#size > BYTES_MAX) this.#rotate();
    let bytes = new TextEncoder().encode(`${this.#torn ? "\n" : ""}${line}\n`);
    while (bytes.length > 0) {
      const count = this.#file.writeSync(bytes);
      bytes = bytes.subarray(count);
      this.#size += count;
      this.#torn = bytes.length > 0;
    }
  }

  #rotate(): void {
    // What fails here is tried again with the next line, and the open file stays usable until there is another one.
    if (existsSync(this.#path)) Deno.renameSync(this.#path, `${this.#path}.1`);
    const file = open(this.#path);
    this.#file.close();
    this.#file = file;
    this.#size = 0;
    this.#torn = false;
  }

  close(): void {
    this.#closed = true;
    this.#file.close();
  }
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}
