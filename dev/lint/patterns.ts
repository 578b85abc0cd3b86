/** Shapes of regular expressions whose time grows with the square of the text, or faster. */

/** One element of a pattern with its quantifier. */
interface Element {
  readonly text: string;
  /** True for `*`, `+` and `{n,}`. */
  readonly unbounded: boolean;
  /** The inside of a group. */
  readonly group?: string;
}

const QUANTIFIER = /^(?:\*|\+|\?|\{\d+(?:,\d*)?\})\??/;
const ANY = new Set([".", "[^]", "[\\s\\S]", "[\\S\\s]"]);

/**
 * The reason why a pattern may need more than time in proportion to the text; `undefined` when none of the known shapes is
 * in it. A search tries each place of the text as a begin: a repetition that can begin at each of them, and fail only at
 * its end, is read again from each.
 */
export function patternProblem(source: string): string | undefined {
  for (const alternative of alternatives(source)) {
    const elements = elementsOf(alternative);
    const nested = elements.find(({ unbounded, group }) => unbounded && isRepetition(group));
    if (nested !== undefined) return `The repetition ${nested.text} repeats nothing but a repetition`;
    const [first] = elements;
    if (first === undefined || first.text === "^" || /^\(\?<[=!]/.test(first.text)) continue;
    if (first.unbounded && elements.length > 1) return `A search begins with the repetition ${first.text}`;
    const any = elements.findIndex(({ text, unbounded }) => unbounded && ANY.has(bare(text)));
    if (any >= 0 && elements.slice(any + 1).some(({ text }) => text !== "$")) {
      return `A search goes on after ${elements[any]?.text}`;
    }
    const inside = elements.map(({ group }) => group === undefined ? undefined : patternProblem(group))
      .find((each, index) => each !== undefined && index === 0);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function isRepetition(group: string | undefined): boolean {
  if (group === undefined) return false;
  return alternatives(group).some((each) => {
    const [only, second] = elementsOf(each);
    return only?.unbounded === true && second === undefined;
  });
}

function bare(text: string): string {
  return text.replace(/[*+?]{1,2}$|\{\d+,\}\??$/, "");
}

/** The alternatives of a pattern, outside of its groups. */
function alternatives(source: string): string[] {
  const found: string[] = [];
  let from = 0;
  for (let at = 0; at < source.length;) {
    if (source[at] === "|") {
      found.push(source.slice(from, at));
      from = ++at;
    } else at = atomEnd(source, at);
  }
  return [...found, source.slice(from)];
}

function elementsOf(source: string): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < source.length;) {
    const end = atomEnd(source, at);
    const atom = source.slice(at, end);
    const [quantifier = ""] = QUANTIFIER.exec(source.slice(end)) ?? [];
    const group = /^\((?:\?(?::|<?[=!]|<\w+>))?([^]*)\)$/.exec(atom)?.[1];
    elements.push({
      text: atom + quantifier,
      unbounded: /^[*+]|,\}/.test(quantifier),
      ...(group === undefined ? {} : { group }),
    });
    at = end + quantifier.length;
  }
  return elements;
}

/** The index after the character, class or group that begins at `from`. */
function atomEnd(source: string, from: number): number {
  const first = source[from];
  if (first === "\\") return from + (/^\\[pP]\{[^}]*\}/.exec(source.slice(from))?.[0].length ?? 2);
  if (first === "[") return classEnd(source, from);
  if (first !== "(") return from + 1;
  for (let at = from + 1; at < source.length;) {
    if (source[at] === ")") return at + 1;
    at = atomEnd(source, at);
  }
  return source.length;
}

function classEnd(source: string, from: number): number {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "]" && at > from) return at + 1;
  }
  return source.length;
}
