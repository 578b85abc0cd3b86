/**
 * Reads `.env` files as docker compose and dotenv do: comments, quotes, several lines, `${NAME}`. A parser of its own, since
 * libraries skip a line that they cannot read, and a secret that is not set is found in production.
 */
import { variableNameProblem } from "../../pkg/variables/mod.ts";

/** The content of a file. When there are problems, do not use the variables. */
export interface Dotenv {
  readonly variables: Record<string, string>;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

/** A variable of the process that reads the file. */
type Lookup = (name: string) => string | undefined;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };
/** A colon is that of docker compose and dotenv; without a space behind it, it belongs to a value. */
const ASSIGNMENT = /^\s*(?:export\s+)?([^\s=:'"`#]+)\s*(?:=|:(?=\s|$))(.*)$/;

/**
 * Values in double quotes know `\n`, `\r`, `\t`, `\"`, `\$` and `\\`; in single quotes and backticks everything is as it is.
 * Quotes may go over several lines. Without quotes a value ends at ` #` or the end of the line. `${NAME}`, `${NAME:-default}`
 * and `${NAME-default}` are replaced, except in single quotes and backticks, by a line above or else by a variable of the
 * process; a `$` without a brace is a plain character. Problems never contain a value.
 */
export function parseDotenv(text: string, env: Lookup): Dotenv {
  const variables = new Map<string, string>();
  const problems: { line: number; problem: string }[] = [];
  const rest = new Lines(text.replace(/^\ufeff/, ""));
  const lookup: Lookup = (name) => variables.get(name) ?? env(name);
  for (let line = rest.next(); line !== undefined; line = rest.next()) {
    const number = rest.number;
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, value] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      problems.push({ line: number, problem: "is not NAME=value" });
      continue;
    }
    // The name may be a part of a value that has lost its quotes, so no text has it.
    const wrong = variableNameProblem(name);
    const read = wrong === undefined ? readValue(value, rest, lookup) : undefined;
    if (read === undefined) problems.push({ line: number, problem: `is not NAME=value: NAME ${wrong}` });
    else if (read.kind === "value") variables.set(name, read.value);
    else problems.push({ line: number, problem: `the value of ${name} ${read.problem}` });
  }
  return { variables: Object.fromEntries(variables), problems };
}

type Read =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "problem"; readonly problem: string };

function readValue(first: string, rest: Lines, lookup: Lookup): Read {
  const start = first.trimStart();
  const quote = start[0];
  if (quote !== '"' && quote !== "'" && quote !== "`") {
    return expand(first.replace(/\s#.*$/, "").trim(), lookup, false);
  }
  const mark = rest.mark();
  const parts: string[] = [];
  for (let part = start.slice(1);;) {
    const end = endOf(part, quote);
    if (end >= 0) {
      if (!/^\s*(#.*)?$/.test(part.slice(end + 1))) {
        return { kind: "problem", problem: "goes on after its closing quote" };
      }
      const inside = [...parts, part.slice(0, end)].join("\n");
      return quote === '"' ? expand(inside, lookup, true) : { kind: "value", value: inside };
    }
    parts.push(part);
    const more = rest.next();
    if (more === undefined) {
      // So that the lines that follow are looked at too.
      rest.back(mark);
      return { kind: "problem", problem: "has no closing quote" };
    }
    part = more;
  }
}

function endOf(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (quote === '"' && text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const REFERENCE = /\$\{([^}]*)\}?/.source;
const PARTS = {
  plain: new RegExp(`(\\\\\\$)(?=\\{)|${REFERENCE}`, "g"),
  quoted: new RegExp(`(\\\\[\\s\\S])|${REFERENCE}`, "g"),
};

// Without the name: it may be a part of a password.
const NOT_THERE = "needs a ${NAME} that is neither in a line above nor a variable of this process: " +
  "define it, give it a default with ${NAME:-default}, or use single quotes to keep the text as it is";
const NO_REFERENCE =
  "has a ${ that begins neither ${NAME} nor ${NAME:-default}: use single quotes to keep it as it is";

/** Replaces references and, in double quotes, escapes; without quotes only `\$` is one. */
function expand(text: string, lookup: Lookup, quoted: boolean): Read {
  let problem: string | undefined;
  const value = text.replaceAll(
    PARTS[quoted ? "quoted" : "plain"],
    (whole, escape: string | undefined, inside: string | undefined) => {
      if (escape !== undefined) return ESCAPES[escape.slice(1)] ?? whole;
      const [, name, colon, fallback] = /^([A-Za-z_][A-Za-z0-9_.]*)(?:(:?)-([^]*))?$/.exec(inside ?? "") ??
        [];
      if (name === undefined || !whole.endsWith("}")) {
        problem ??= NO_REFERENCE;
        return whole;
      }
      const found = lookup(name);
      if (found !== undefined && (found !== "" || colon !== ":")) return found;
      if (fallback === undefined) problem ??= NOT_THERE;
      return fallback ?? "";
    },
  );
  return problem === undefined ? { kind: "value", value } : { kind: "problem", problem };
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
