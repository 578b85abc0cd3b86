import { createLogger, type Logger, type LogLevel } from "../../pkg/logger/mod.ts";

const BYTES_MAX = 20 * 1024 * 1024;

/** Loggers that write to one file. */
export interface LogFile extends Disposable {
  logger(service: string): Logger;
}

/** Opens a log file that is put aside as `PATH.1` whenever it has grown to 20 MB. */
export function openLogFile(path: string, level: LogLevel): LogFile {
  let file = open(path);
  let size = file.statSync().size;
  let closed = false;
  const write = (line: string): void => {
    if (closed) return; // what ends after the log does has nothing to say that anybody waits for
    if (size > BYTES_MAX) {
      file.close();
      Deno.renameSync(path, `${path}.1`);
      file = open(path);
      size = 0;
    }
    let bytes = new TextEncoder().encode(`${line}\n`);
    size += bytes.length;
    while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
  };
  return {
    logger: (service) => createLogger({ service, level, write }),
    [Symbol.dispose](): void {
      closed = true;
      file.close();
    },
  };
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
}
