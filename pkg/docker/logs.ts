import type { Engine } from "./engine.ts";
import { LineCutter, parseStamped } from "../lines/mod.ts";
import { chunks } from "./json_stream.ts";

/** One line that a container printed. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  /** Nanoseconds since the epoch, as the engine stamped the line. */
  readonly timeNs: bigint;
  readonly text: string;
}

/** Which part of a container's output. */
export interface LogRange {
  /** Only the last so many lines. */
  readonly tail?: number;
  /** Only lines of this time (nanoseconds since the epoch) or later. */
  readonly sinceNs?: bigint;
  /** Stay until the container stops. */
  readonly follow?: boolean;
}

const NANOSECONDS = 1_000_000_000n;

/**
 * Streams a container's output line by line. Longer lines are cut after 16,384 characters.
 *
 * @throws `not_found` when there is no such container
 */
export async function* containerLogs(
  engine: Engine,
  id: string,
  range: LogRange,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const response = await engine.call({
    method: "GET",
    path: `/containers/${encodeURIComponent(id)}/logs`,
    query: {
      stdout: "1",
      stderr: "1",
      timestamps: "1",
      follow: range.follow === true ? "1" : "0",
      tail: range.tail === undefined ? undefined : String(range.tail),
      since: range.sinceNs === undefined ? undefined : formatTime(range.sinceNs),
    },
    signal,
  });
  const demux = new LogDemux();
  for await (const chunk of chunks(engine, response, signal)) yield* demux.push(chunk);
  yield* demux.end();
}

function formatTime(timeNs: bigint): string {
  return `${timeNs / NANOSECONDS}.${String(timeNs % NANOSECONDS).padStart(9, "0")}`;
}

type Stream = LogLine["stream"];

/** Takes the engine's multiplexed frames apart: an 8-byte header (stream, length) before each piece of output. */
export class LogDemux {
  #rest = new Uint8Array(0);
  readonly #lines: Record<Stream, LineCutter> = { stdout: new LineCutter(), stderr: new LineCutter() };

  /** The lines that `bytes` complete. */
  *push(bytes: Uint8Array): Generator<LogLine> {
    let data = concat(this.#rest, bytes);
    while (data.length >= 8) {
      const length = new DataView(data.buffer, data.byteOffset).getUint32(4);
      if (data.length < 8 + length) break;
      const stream: Stream = data[0] === 2 ? "stderr" : "stdout";
      for (const text of this.#lines[stream].push(data.subarray(8, 8 + length))) {
        yield { stream, ...parseStamped(text) };
      }
      data = data.subarray(8 + length);
    }
    this.#rest = data.slice();
  }

  /** The last output, still without a newline. */
  *end(): Generator<LogLine> {
    for (const stream of ["stdout", "stderr"] as const) {
      for (const text of this.#lines[stream].end()) yield { stream, ...parseStamped(text) };
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
