/** Lines of output in one list, in the order in which they came. */
import { plain } from "../text/format.ts";

/** `notice` is what the platform says. */
export type LogSource = "build" | "app" | "notice";

export interface LogLine {
  readonly source: LogSource;
  /** The instruction of the Dockerfile, or the instance. */
  readonly origin: string;
  readonly text: string;
  readonly isError: boolean;
  /** In milliseconds since the epoch. */
  readonly atMs: number;
  /** The event that brought it; 0: the instance printed it. */
  readonly sequence: number;
  /** Its place in the event. */
  readonly index: number;
}

export interface LogQuery {
  /** Absent: all. */
  readonly source: LogSource | undefined;
  /** Lines with this text, in any case; empty: all. */
  readonly text: string;
}

const LINES_MAX = 100_000;
/** So many of the oldest lines go at once: moving the list costs as much for one line. */
const DROPPED_AT_ONCE = 10_000;

/** The newest 100,000 lines. */
export class LogBuffer {
  #lines: LogLine[] = [];
  #matches: LogLine[] = [];
  #scanned = 0;
  #query: LogQuery = { source: undefined, text: "" };
  #dropped = 0;
  readonly #linesMax: number;

  constructor(linesMax = LINES_MAX) {
    this.#linesMax = linesMax;
  }

  /** Of all lines. */
  get size(): number {
    return this.#lines.length;
  }

  /** Lines that are not kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds lines as they were printed. */
  add(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.#lines.push({ ...line, origin: plain(line.origin), text: plain(line.text) });
    }
    if (this.#lines.length <= this.#linesMax) return;
    const excess = this.#lines.length - this.#linesMax;
    const gone = Math.min(
      this.#lines.length,
      Math.max(excess, Math.min(DROPPED_AT_ONCE, this.#linesMax / 10)),
    );
    this.#lines = this.#lines.slice(gone);
    this.#dropped += gone;
    this.#forget();
  }

  /** The lines that a query finds. The same query again looks at new lines only. */
  matching(query: LogQuery): readonly LogLine[] {
    if (query.source === undefined && query.text === "") return this.#lines;
    if (query.source !== this.#query.source || query.text !== this.#query.text) {
      this.#query = query;
      this.#forget();
    }
    const wanted = query.text.toLowerCase();
    for (; this.#scanned < this.#lines.length; this.#scanned++) {
      const line = this.#lines[this.#scanned];
      if (line !== undefined && isMatch(line, query.source, wanted)) this.#matches.push(line);
    }
    return this.#matches;
  }

  #forget(): void {
    this.#matches = [];
    this.#scanned = 0;
  }
}

function isMatch(line: LogLine, source: LogSource | undefined, wanted: string): boolean {
  if (source !== undefined && line.source !== source) return false;
  return wanted === "" || line.text.toLowerCase().includes(wanted) ||
    line.origin.toLowerCase().includes(wanted);
}
