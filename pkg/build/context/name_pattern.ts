/** A character of a pattern: one of a name's must be among these. */
type Token = "any" | "star" | Characters;

interface Characters {
  readonly negated: boolean;
  /** First and last character, included. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** A bound for work that a stranger can ask for; it may become negative. */
export interface Work {
  left: number;
}

const WILDCARDS = /[*?[\\]/;

/** True for a name that has to be parsed as a pattern. */
export function isPattern(name: string): boolean {
  return WILDCARDS.test(name);
}

/**
 * A pattern of Go's `filepath.Match` for one name. It is matched without a regular expression: patterns and names come from
 * strangers, and several stars would make an expression try all ways to share a name among them.
 */
export class NamePattern {
  readonly #tokens: readonly Token[];

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** `undefined` when it is malformed. */
  static parse(text: string): NamePattern | undefined {
    const tokens: Token[] = [];
    const characters = [...text].map((each) => each.codePointAt(0) ?? 0);
    for (let at = 0; at < characters.length; at++) {
      const character = String.fromCodePoint(characters[at] ?? 0);
      if (character === "*") {
        if (tokens.at(-1) !== "star") tokens.push("star");
      } else if (character === "?") tokens.push("any");
      else if (character === "[") {
        const found = characterClass(characters, at + 1);
        if (found === undefined) return undefined;
        tokens.push(found.token);
        at = found.end;
      } else {
        const literal = character === "\\" ? characters[++at] : characters[at];
        if (literal === undefined) return undefined;
        tokens.push({ negated: false, ranges: [[literal, literal]] });
      }
    }
    return new NamePattern(tokens);
  }

  /** True when the whole name matches. Takes at most as many steps as both have characters, multiplied. */
  matches(name: string, work: Work): boolean {
    const characters = [...name].map((each) => each.codePointAt(0) ?? 0);
    let [token, at] = [0, 0];
    // After a mismatch the last star takes one character more; earlier ones need not be tried again.
    let retry: { readonly token: number; at: number } | undefined;
    while (at < characters.length || token < this.#tokens.length) {
      if (work.left-- <= 0) return false;
      const wanted = this.#tokens[token];
      if (wanted === "star") {
        retry = { token: ++token, at };
      } else if (wanted !== undefined && at < characters.length && has(wanted, characters[at] ?? 0)) {
        token++;
        at++;
      } else if (retry !== undefined && retry.at < characters.length) {
        token = retry.token;
        at = ++retry.at;
      } else return false;
    }
    return true;
  }
}

function has(token: Exclude<Token, "star">, character: number): boolean {
  if (token === "any") return true;
  return token.ranges.some(([low, high]) => low <= character && character <= high) !== token.negated;
}

/** The class that begins behind its bracket, and the position of its end. */
function characterClass(
  characters: readonly number[],
  from: number,
): { readonly token: Characters; readonly end: number } | undefined {
  const is = (at: number, character: string): boolean => characters[at] === character.charCodeAt(0);
  const negated = is(from, "^");
  const ranges: (readonly [number, number])[] = [];
  let at = negated ? from + 1 : from;
  const next = (): number | undefined => {
    if (is(at, "-") || (is(at, "]") && ranges.length === 0)) return undefined;
    if (is(at, "\\")) at++;
    return characters[at++];
  };
  while (!is(at, "]") || ranges.length === 0) {
    const low = next();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (is(at, "-")) {
      at++;
      high = is(at, "]") ? undefined : next();
    }
    if (high === undefined) return undefined;
    ranges.push([low, high]);
  }
  return { token: { negated, ranges }, end: at };
}
