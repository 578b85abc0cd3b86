import { missingMark } from "./texts.ts";

/**
 * A line of so many characters counts as one, a longer one as several: the limits below are of lines, and with that of
 * characters too.
 */
const LINE_CHARACTERS = 400;
/** Of a step's output, so much is passed on as it comes. */
const HEAD_LINES_MAX = 10_000;
/** So much of its end is kept until the step ends. */
const TAIL_LINES_MAX = 2_000;
/** Of all steps that print at the same time. */
const TAILS_LINES_MAX = 20_000;
/** Of a build: 40,000 in all. */
const BUILD_LINES_MAX = 28_000;
/** For the last lines of steps for which nothing of the above is left. */
const SPARE_LINES_MAX = 10_000;
/** For the tail of the step that fails. */
const FAILURE_LINES_MAX = 2_000;
/** The last lines that are shown of every step, and kept of a failing one. */
const LAST_LINES = 20;

/** The lines that one build may still print. */
export class OutputLimits {
  readonly common = new Allowance(BUILD_LINES_MAX);
  readonly spare = new Allowance(SPARE_LINES_MAX);
  readonly failure = new Allowance(FAILURE_LINES_MAX);
  readonly tails = new Allowance(TAILS_LINES_MAX);
}

class Allowance {
  #left: number;

  constructor(lines: number) {
    this.#left = lines;
  }

  take(lines: number): boolean {
    if (lines > this.#left) return false;
    this.#left -= lines;
    return true;
  }

  give(lines: number): void {
    this.#left += lines;
  }
}

/** Decides which lines of one step are shown: the first and the last ones, with the number of the others in between. */
export class StepOutput {
  readonly #limits: OutputLimits;
  readonly #lastLines: string[] = [];
  #headLeft = HEAD_LINES_MAX;
  /** Lines that wait for the end of the step; those before `#tailStart` are gone. */
  #tail: string[] = [];
  #tailStart = 0;
  #tailSize = 0;
  #missing = 0;

  constructor(limits: OutputLimits) {
    this.#limits = limits;
  }

  /** The last lines that the step printed, shown or not. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Takes lines and returns those that can be shown now. */
  add(lines: readonly string[]): string[] {
    const shown: string[] = [];
    for (const line of lines) {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
      if (this.#takesHead(line)) shown.push(line);
      else this.#keep(line);
    }
    return shown;
  }

  /** Returns the rest of the output when the step has ended; the step may print again afterwards. */
  end(failed: boolean): string[] {
    const kept = this.#tail.slice(this.#tailStart);
    const from = this.#showableFrom(kept, failed);
    const missing = this.#missing + from;
    this.#limits.tails.give(this.#tailSize);
    [this.#tail, this.#tailStart, this.#tailSize, this.#missing] = [[], 0, 0, 0];
    const mark = missing === 0 ? [] : [missingMark(missing)];
    return [...mark, ...kept.slice(from)];
  }

  #takesHead(line: string): boolean {
    const size = sizeOf(line);
    if (this.#tail.length > 0 || size > this.#headLeft || !this.#limits.common.take(size)) return false;
    this.#headLeft -= size;
    return true;
  }

  #keep(line: string): void {
    const size = sizeOf(line);
    this.#tail.push(line);
    this.#tailSize += size;
    let isWithin = this.#limits.tails.take(size);
    while (this.#tailSize > TAIL_LINES_MAX || !isWithin) {
      // At least the last lines are kept, however much other steps print.
      if (!isWithin && this.#tail.length - this.#tailStart <= LAST_LINES) {
        this.#limits.tails.give(-size);
        break;
      }
      const gone = sizeOf(this.#tail[this.#tailStart] ?? "");
      this.#tail[this.#tailStart++] = "";
      this.#tailSize -= gone;
      this.#missing++;
      this.#limits.tails.give(gone);
      isWithin ||= this.#limits.tails.take(size);
    }
    if (this.#tailStart > TAIL_LINES_MAX) {
      this.#tail = this.#tail.slice(this.#tailStart);
      this.#tailStart = 0;
    }
  }

  /** The first of the kept lines for which something is left. */
  #showableFrom(kept: readonly string[], failed: boolean): number {
    const { common, failure, spare } = this.#limits;
    let from = kept.length;
    for (; from > 0; from--) {
      const size = sizeOf(kept[from - 1] ?? "");
      const isLast = kept.length - from < LAST_LINES;
      const isShown = common.take(size) || (failed && (failure.take(size) || isLast)) ||
        (isLast && spare.take(size));
      if (!isShown) break;
    }
    return from;
  }
}

function sizeOf(line: string): number {
  return Math.max(1, Math.ceil(line.length / LINE_CHARACTERS));
}
