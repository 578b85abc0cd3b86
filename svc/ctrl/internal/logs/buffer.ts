import type { LogLine } from "../store/mod.ts";

/** Limits of the lines that are kept for slow followers, besides those of the last read. */
export interface BufferBounds {
  readonly linesMax: number;
  readonly charsMax: number;
}

/** Lines in the order of their reads. A position is the number of lines before it, so it always means the same line. */
export class LogBuffer {
  readonly #bounds: BufferBounds;
  #lines: readonly LogLine[] = [];
  #start = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  /** The position after the last line. */
  get end(): number {
    return this.#start + this.#lines.length;
  }

  /** Adds the lines of one read, which are kept whole, and keeps as many of the lines before as fit. */
  append(lines: readonly LogLine[]): void {
    const { linesMax, charsMax } = this.#bounds;
    const end = this.end;
    let chars = 0;
    for (const { text } of lines) chars += text.length;
    let from = this.#lines.length;
    while (from > 0 && this.#lines.length - from + lines.length < linesMax) {
      chars += this.#lines[from - 1]?.text.length ?? 0;
      if (chars > charsMax) break;
      from--;
    }
    this.#lines = [...this.#lines.slice(from), ...lines];
    this.#start = end + lines.length - this.#lines.length;
  }

  /** The next lines from a position on; `undefined` when they are not kept any more. */
  take(position: number, linesMax: number): readonly LogLine[] | undefined {
    if (position < this.#start) return undefined;
    const from = position - this.#start;
    return this.#lines.slice(from, from + linesMax);
  }

  /** Drops lines before a position that all followers have reached. */
  forget(position: number): void {
    if (position <= this.#start) return;
    this.#lines = this.#lines.slice(position - this.#start);
    this.#start = position;
  }
}
