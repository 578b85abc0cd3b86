/** Reads `.env` files: `NAME=value` lines, comments, quotes. Nothing in a value is expanded. */

/** The content of a file. When there are problems, do not use the variables. */
export interface Dotenv {
  readonly variables: Record<string, string>;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

/**
 * Values in double quotes know `\n`, `\r`, `\t`, `\"`, `\$` and `\\`; in single quotes everything is as it is. Both may
 * go over several lines. Without quotes a value ends at ` #` or the end of the line. Problems never contain a value.
 */
export function parseDotenv(text: string): Dotenv {
  const variables: Record<string, string> = {};
  const problems: { line: number; problem: string }[] = [];
  const rest = new Lines(text.replace(/^\ufeff/, ""));
  for (let line = rest.next(); line !== undefined; line = rest.next()) {
    const number = rest.number;
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      problems.push({
        line: number,
        problem: "is not NAME=value, with a NAME of letters, digits and underscores",
      });
      continue;
    }
    const read = readValue(value, rest);
    if (read.kind === "value") variables[name] = read.value;
    else problems.push({ line: number, problem: `the value of ${name} ${read.problem}` });
  }
  return { variables, problems };
}

type Read =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "problem"; readonly problem: string };

function readValue(first: string, rest: Lines): Read {
  const start = first.trimStart();
  const quote = start[0];
  if (quote !== '"' && quote !== "'") {
    return { kind: "value", value: first.replace(/\s#.*$/, "").trim() };
  }
  const mark = rest.mark();
  for (let text = start.slice(1);;) {
    const end = endOf(text, quote);
    if (end >= 0) {
      if (!/^\s*(#.*)?$/.test(text.slice(end + 1))) {
        return { kind: "problem", problem: "goes on after its closing quote" };
      }
      const inside = text.slice(0, end);
      return { kind: "value", value: quote === "'" ? inside : unescape(inside) };
    }
    const more = rest.next();
    if (more === undefined) {
      // So that the lines that follow are looked at too.
      rest.back(mark);
      return { kind: "problem", problem: "has no closing quote" };
    }
    text += `\n${more}`;
  }
}

function endOf(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (quote === '"' && text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (whole, char: string) => ESCAPES[char] ?? whole);
}

/** The lines of a text, one after the other. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/);
  }

  /** The number of the line that came last, from 1. */
  get number(): number {
    return this.#at;
  }

  next(): string | undefined {
    return this.#lines[this.#at++];
  }

  mark(): number {
    return this.#at;
  }

  back(mark: number): void {
    this.#at = mark;
  }
}
