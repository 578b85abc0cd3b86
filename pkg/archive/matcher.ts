import { publicFault } from "../fault/mod.ts";
import type { Rule } from "./ignore_file.ts";
import { compilePattern, isWellFormed, type Matches } from "./pattern.ts";

/** A path's match, handed down to the paths below it. */
export interface Verdict {
  readonly ignored: boolean;
  /** Per rule, whether it matched this path or a folder above it. */
  readonly matched: readonly boolean[];
}

interface Compiled {
  readonly matches: Matches;
  readonly exception: boolean;
  /** The pattern without a `/*` or `/**` at its end, and with a slash. */
  readonly prefix: string;
}

/** Decides which paths of a folder belong to the build context: the last rule that matches a path or a parent wins. */
export class IgnoreMatcher {
  readonly #rules: readonly Compiled[];
  /** True if all exceptions name a plain path, so that a folder can be seen to hold none. */
  readonly #plainExceptions: boolean;

  /** @throws `invalid_argument` naming the first rule that is not a pattern, and `file`; `match` too */
  constructor(rules: readonly Rule[], file: string) {
    this.#rules = rules.map((rule) => compileRule(rule, file));
    this.#plainExceptions = this.#rules.every((rule) =>
      !rule.exception || !/[*[\]?^\\]/.test(rule.prefix.slice(0, -1))
    );
  }

  /** Matches a path whose parent's verdict is known; top-level paths have none. */
  match(path: string, parent?: Verdict): Verdict {
    let ignored = false;
    const matched = this.#rules.map((rule, index) => {
      let hit = parent?.matched[index] ?? false;
      if (!hit) {
        // A rule that could not change the outcome is not looked at, and counts as no match for what is below.
        if (rule.exception !== ignored) return false;
        hit = rule.matches(path);
      }
      if (hit) ignored = !rule.exception;
      return hit;
    });
    return { ignored, matched };
  }

  /** True if nothing below an ignored folder can be taken back in, so that it need not be read. */
  prunes(folder: string): boolean {
    if (!this.#plainExceptions) return false;
    return !this.#rules.some((rule) => rule.exception && rule.prefix.startsWith(`${folder}/`));
  }
}

function compileRule({ pattern, exception, line }: Rule, file: string): Compiled {
  const refused = (): never => {
    const shown = `${exception ? "!" : ""}${pattern}`;
    throw publicFault(
      "invalid_argument",
      `${file}, line ${line}: "${shown}" is not a pattern. Correct the line.`,
    );
  };
  if (pattern === "" || !isWellFormed(pattern)) refused();
  // Like Docker: what passes the check above is refused only when a path gets as far as this rule.
  const matches = compilePattern(pattern) ?? refused;
  return { matches, exception, prefix: `${withoutGlob(withoutGlob(pattern, "/**"), "/*")}/` };
}

function withoutGlob(pattern: string, end: string): string {
  return pattern.endsWith(end) ? pattern.slice(0, -end.length) : pattern;
}
