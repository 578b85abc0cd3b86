import { Buffer } from "node:buffer";
import type { LogLine } from "../../internal/store/mod.ts";
import type { StreamedLog } from "../../services/deployment/stream_logs.ts";

/** Output for one answer. */
export interface LastLines {
  readonly lines: readonly LogLine[];
  /** True if older lines were left out because the text was too long. */
  readonly truncated: boolean;
}

/** Keeps the last lines whose text has `bytesMax` bytes of UTF-8 at most, and never holds more than one line beyond that. */
export async function lastLines(logs: AsyncIterable<StreamedLog>, bytesMax: number): Promise<LastLines> {
  const lines: LogLine[] = [];
  let bytes = 0;
  let truncated = false;
  for await (const each of logs) {
    if (each.kind !== "line") continue;
    lines.push(each.line);
    bytes += Buffer.byteLength(each.line.text);
    while (bytes > bytesMax) {
      bytes -= Buffer.byteLength(lines.shift()?.text ?? "");
      truncated = true;
    }
  }
  return { lines, truncated };
}
