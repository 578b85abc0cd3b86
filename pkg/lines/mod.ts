/**
 * Output of programs, from bytes to lines with a time, and answers that come in lines of JSON.
 *
 * ```ts
 * const cutter = new LineCutter();
 * for (const line of cutter.push(bytes)) show(parseStamped(line));
 * ```
 *
 * @module
 */
export { chunks, jsonLines, type Reading } from "./answer.ts";

const LINE_CHARS_MAX = 65_536;
const CUT = " (unkey: the line goes on, and was cut here)";
const NANOSECONDS = 1_000_000_000n;

/**
 * Cuts bytes into lines. A longer line than 65,536 characters is cut, and says so; a character is never cut between two
 * pieces of bytes.
 */
export class LineCutter {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #skipping = false;

  /** The lines that `bytes` complete. */
  push(bytes: Uint8Array): string[] {
    // Only what is new is searched: the rest has no newline, and searching it with each few bytes takes quadratic time.
    const [first = "", ...more] = this.#decoder.decode(bytes, { stream: true }).split("\n");
    const pieces = [this.#rest + first, ...more];
    this.#rest = pieces.pop() ?? "";
    const lines: string[] = [];
    for (const piece of pieces) {
      if (!this.#skipping) lines.push(cut(piece));
      this.#skipping = false;
    }
    if (this.#rest.length <= LINE_CHARS_MAX) return lines;
    if (!this.#skipping) lines.push(cut(this.#rest));
    this.#skipping = true;
    this.#rest = "";
    return lines;
  }

  /** The last output, still without a newline. */
  end(): string[] {
    const last = this.#rest + this.#decoder.decode();
    return last === "" || this.#skipping ? [] : [last];
  }
}

function cut(line: string): string {
  if (line.length <= LINE_CHARS_MAX) return line;
  // Both halves of a character outside of the basic plane stay, or neither.
  const end = /[\ud800-\udbff]/.test(line[LINE_CHARS_MAX - 1] ?? "") ? LINE_CHARS_MAX - 1 : LINE_CHARS_MAX;
  return `${line.slice(0, end)}${CUT}`;
}

/** Takes `2026-01-02T03:04:05.678901234Z text` apart; the fraction may lack trailing zeros. Time 0: there was none. */
export function parseStamped(line: string): { readonly timeNs: bigint; readonly text: string } {
  const text = line.replace(/\r$/, "");
  const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/.exec(text);
  if (stamp === null) return { timeNs: 0n, text };
  const seconds = BigInt(Math.floor(Date.parse(`${stamp[1]}${stamp[3]}`) / 1000));
  const fraction = BigInt((stamp[2] ?? "").padEnd(9, "0"));
  return { timeNs: seconds * NANOSECONDS + fraction, text: text.slice(stamp[0].length) };
}
