import type { InstanceLogsTable } from "../store/mod.ts";

/** How much of what some follower has not taken yet is kept, beside what was read last. */
export interface BufferBounds {
  readonly linesMax: number;
  readonly charsMax: number;
}

/** Lines in the order in which they were read. A position is how many were read before, so it never stands for another. */
export class LogBuffer {
  readonly #bounds: BufferBounds;
  #lines: readonly InstanceLogsTable[] = [];
  #start = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  /** The position behind everything that was read. */
  get end(): number {
    return this.#start + this.#lines.length;
  }

  /** Adds what one read brought, which stays whole; as much of what was before it stays as fits. */
  append(lines: readonly InstanceLogsTable[]): void {
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
  take(position: number, linesMax: number): readonly InstanceLogsTable[] | undefined {
    if (position < this.#start) return undefined;
    const from = position - this.#start;
    return this.#lines.slice(from, from + linesMax);
  }

  /** Drops what is before a position, which everybody has. */
  forget(position: number): void {
    if (position <= this.#start) return;
    this.#lines = this.#lines.slice(position - this.#start);
    this.#start = position;
  }
}
