/** E.g. `1 line is`, `12,345 lines are`; the same in every locale. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? `${noun} is` : `${noun}s are`}`;
}

/** A text of at most `max` characters: the middle of a longer one is left out. */
export function bothEnds(text: string, max: number): string {
  if (text.length <= max) return text;
  const half = Math.floor((max - CUT.length) / 2);
  return text.slice(0, half) + CUT + text.slice(-half);
}

const CUT = " ... ";

/** The text in one line, without control characters. */
export function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\0-\x1f\x7f-\x9f]+/g, " ");
}

/** The line that stands for `count` lines of output; `missingLines()` reads it. */
export function missingMark(count: number): string {
  return `... ${counted(count, "line")} missing here ...`;
}

/** The number of lines that a mark stands for; `undefined` for any other line. */
export function missingLines(line: string): number | undefined {
  const count = MISSING.exec(line.slice(0, MARK_CHARACTERS_MAX))?.[1];
  return count === undefined ? undefined : Number(count.replaceAll(",", ""));
}

const MARK_CHARACTERS_MAX = 60;
const MISSING = /^\.\.\. ([\d,]{1,20}) (?:line is|lines are) missing here \.\.\.$/;
