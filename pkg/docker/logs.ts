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
 * Streams a container's output line by line. A line longer than 65,536 characters is cut, and says so.
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

/**
 * Takes the engine's multiplexed frames apart: an 8-byte header (stream, length) before each piece of output. The engine
 * cuts a line of more than 16 KiB into several frames, and stamps each of them (`write_log_stream.go` of moby).
 */
export class LogDemux {
  /** The last frame of the stream had no newline at its end. */
  readonly #isUnfinished: Record<Stream, boolean> = { stdout: false, stderr: false };
  #rest = new Uint8Array(0);
  readonly #lines: Record<Stream, LineCutter> = { stdout: new LineCutter(), stderr: new LineCutter() };

  /** The lines that `bytes` complete. */
  *push(bytes: Uint8Array): Generator<LogLine> {
    let data = concat(this.#rest, bytes);
    while (data.length >= 8) {
      const length = new DataView(data.buffer, data.byteOffset).getUint32(4);
      if (data.length < 8 + length) break;
      const stream: Stream = data[0] === 2 ? "stderr" : "stdout";
      const payload = data.subarray(8, 8 + length);
      const piece = this.#isUnfinished[stream] ? withoutStamp(payload) : payload;
      if (length > 0) this.#isUnfinished[stream] = payload.at(-1) !== NEWLINE;
      for (const text of this.#lines[stream].push(piece)) yield { stream, ...parseStamped(text) };
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

const NEWLINE = 0x0a;
const STAMP_BYTES_MAX = 40;

function withoutStamp(payload: Uint8Array): Uint8Array {
  const start = String.fromCharCode(...payload.subarray(0, STAMP_BYTES_MAX));
  const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) /.exec(start);
  return payload.subarray(stamp?.[0].length ?? 0);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
