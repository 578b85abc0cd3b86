/** Answers whether a path, relative and with slashes, matches. */
export type Matches = (path: string) => boolean;

/**
 * Compiles one pattern with Docker's meaning: `*` and `?` stay within a name, `**` spans folders, `[...]` is a class and
 * `\` takes the next character as it is.
 *
 * Docker itself builds a regular expression of Go's from the pattern, with quirks that users' files rely on; this
 * builds the same expression and then says it in JavaScript's dialect.
 *
 * @returns `undefined` when Docker refuses to match with the pattern
 */
export function compilePattern(pattern: string): Matches | undefined {
  const { kind, expression } = toExpression(pattern);
  if (kind === "exact") return (path) => path === pattern;
  if (kind === "prefix") {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (kind === "suffix") {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith("/") && path === suffix.slice(1));
  }
  const regexp = toRegExp(expression);
  return regexp === undefined ? undefined : (path) => regexp.test(path);
}

type Kind = "exact" | "prefix" | "suffix" | "expression";

/** Docker means to escape `|`, `{` and `}` too, but does not, and so `a|b` is an alternative in its expressions. */
const ESCAPED = ".+()$";

/** The cheapest way to match, and the expression in Go's dialect. */
function toExpression(pattern: string): { kind: Kind; expression: string } {
  const chars = [...pattern];
  let kind: Kind = "exact";
  let expression = "^";
  // Counts tokens: only a `**` that is the first one makes a suffix.
  let token = 0;
  for (let at = 0; at < chars.length; token++) {
    const char = chars[at++];
    if (char === "*" && chars[at] === "*") {
      at++;
      if (chars[at] === "/") at++;
      const last = at >= chars.length;
      if (!last) expression += "(.*/)?";
      else if (kind !== "exact") expression += ".*";
      kind = last && kind === "exact" ? "prefix" : "expression";
      if (token === 0) kind = "suffix";
    } else if (char === "*" || char === "?") {
      expression += char === "*" ? "[^/]*" : "[^/]";
      kind = "expression";
    } else if (char === "\\") {
      const next = chars[at++];
      expression += `\\${next ?? ""}`;
      if (next !== undefined) kind = "expression";
    } else if (char === "[" || char === "]") {
      expression += char;
      kind = "expression";
    } else expression += char !== undefined && ESCAPED.includes(char) ? `\\${char}` : char;
  }
  return { kind, expression: `${expression}$` };
}

/** Go takes these escapes of letters, each with what JavaScript calls it. Any other escaped letter Go refuses. */
const LETTER_ESCAPES = new Map([
  ...[..."dDsSwWfnrtvbB"].map((char): [string, string] => [char, `\\${char}`]),
  ["a", "\\u{7}"],
  ["A", "^"],
  ["z", "$"],
]);
const LETTER = /^[a-zA-Z0-9\u{80}-\u{10ffff}]$/u;

/** Says an expression of Go's dialect in JavaScript's. */
function toRegExp(expression: string): RegExp | undefined {
  const chars = [...expression];
  let out = "";
  for (let at = 0; at < chars.length;) {
    const char = chars[at++];
    if (char === undefined) break;
    if (char === "[") {
      const end = classEnd(chars, at);
      const inside = end === undefined ? undefined : classText(chars.slice(at, end));
      if (end === undefined || inside === undefined) return undefined;
      out += `[${inside}]`;
      at = end + 1;
    } else if (char === "\\") {
      const escaped = escapeOf(chars[at++]);
      if (escaped === undefined) return undefined;
      out += escaped;
    } else if (char === "{") {
      // Braces are a repetition where they look like one.
      const repetition = /^\d+(,\d*)?\}/.exec(chars.slice(at, at + 12).join(""))?.[0];
      out += repetition === undefined ? "\\{" : `{${repetition}`;
      at += repetition?.length ?? 0;
    } else if (char === "]" || char === "}") out += `\\${char}`;
    else out += char === "." ? "[^\\n]" : char;
  }
  try {
    return new RegExp(out, "u");
  } catch {
    // A range that is the wrong way round, say: Docker refuses it too.
    return undefined;
  }
}

function escapeOf(char: string | undefined): string | undefined {
  if (char === undefined) return undefined;
  return LETTER.test(char) ? LETTER_ESCAPES.get(char) : hex(char);
}

function hex(char: string): string {
  return `\\u{${char.codePointAt(0)?.toString(16) ?? "0"}}`;
}

/** Where the class that begins before `start` ends; a `]` that comes first belongs to it. */
function classEnd(chars: readonly string[], start: number): number | undefined {
  let at = chars[start] === "^" ? start + 1 : start;
  for (let first = true; at < chars.length; at++, first = false) {
    if (chars[at] === "\\") at++;
    else if (chars[at] === "]" && !first) return at;
  }
  return undefined;
}

function classText(chars: readonly string[]): string | undefined {
  let out = "";
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at];
    if (char === "\\") {
      const escaped = escapeOf(chars[++at]);
      if (escaped === undefined || /^(\\[bB]|[\^$])$/.test(escaped)) return undefined;
      out += escaped;
    } else if (char === "^" && at === 0) out += "^";
    else if (char === "-") out += "-";
    else if (char !== undefined) out += hex(char);
  }
  return out;
}

/**
 * The syntax that Docker checks before it matches. It does so by matching the pattern with the name `.`, which looks at
 * the text up to the first `*`, and further only as long as that much fits the name.
 */
export function isWellFormed(pattern: string): boolean {
  let rest = [...pattern];
  for (let name = "."; rest.length > 0;) {
    const stars = rest.findIndex((char) => char !== "*");
    if (stars < 0) return true;
    const chunk = rest.slice(stars, chunkEnd(rest, stars));
    if (!isClosed(chunk)) return false;
    const fits = name === "." && toRegExp(toExpression(chunk.join("")).expression)?.test(name) === true;
    if (!fits) return true;
    name = "";
    rest = rest.slice(stars + chunk.length);
  }
  return true;
}

/** The place of the next `*` that is not in a class. */
function chunkEnd(chars: readonly string[], start: number): number {
  let inClass = false;
  for (let at = start; at < chars.length; at++) {
    if (chars[at] === "\\") at++;
    else if (chars[at] === "[") inClass = true;
    else if (chars[at] === "]") inClass = false;
    else if (chars[at] === "*" && !inClass) return at;
  }
  return chars.length;
}

/** True if classes are closed and not empty, and no escape is at the end. */
function isClosed(chars: readonly string[]): boolean {
  for (let at = 0; at < chars.length; at++) {
    if (chars[at] === "\\" && ++at >= chars.length) return false;
    else if (chars[at] !== "[" || chars[at - 1] === "\\") continue;
    at++;
    if (chars[at] === "^") at++;
    for (let ranges = 0; chars[at] !== "]" || ranges === 0; ranges++) {
      const end = rangeEnd(chars, at);
      if (end === undefined) return false;
      at = end;
    }
  }
  return true;
}

/** The place after one character or range of a class. */
function rangeEnd(chars: readonly string[], start: number): number | undefined {
  const low = classChar(chars, start);
  if (low === undefined || chars[low] !== "-") return low;
  return classChar(chars, low + 1);
}

function classChar(chars: readonly string[], at: number): number | undefined {
  const char = chars[at];
  if (char === undefined || char === "-" || char === "]") return undefined;
  const next = char === "\\" ? at + 2 : at + 1;
  // Something must follow: at least the end of the class.
  return next < chars.length ? next : undefined;
}
