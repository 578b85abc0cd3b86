import { publicFault } from "../fault/mod.ts";
import type { Rule } from "./ignore_file.ts";
import { compilePattern, isWellFormed, type Matches } from "./pattern.ts";

/** A path's match, handed down to the paths below it. */
export interface Verdict {
  readonly ignored: boolean;
  /** Per rule, whether it matched this path or a folder above it. */
  readonly matched: readonly boolean[];
  /** The rule that decides; absent where no rule is about the path. */
  readonly rule?: Rule;
}

interface Compiled {
  readonly rule: Rule;
  readonly matches: Matches;
  readonly exception: boolean;
  /** The pattern without a `/*` or `/**` at its end, and with a slash. */
  readonly prefix: string;
  /** True if the pattern names one path, so that a folder can be seen not to hold it. */
  readonly plain: boolean;
}

/** Decides which paths of a folder belong to the build context: the last rule that matches a path or a parent wins. */
export class IgnoreMatcher {
  readonly #rules: readonly Compiled[];
  readonly #exceptions: readonly Compiled[];

  /** @throws `invalid_argument` naming the first rule that is not a pattern, and `file`; `match` too */
  constructor(rules: readonly Rule[], file: string) {
    this.#rules = rules.map((rule) => compileRule(rule, file));
    this.#exceptions = this.#rules.filter(({ exception }) => exception);
  }

  /** Matches a path whose parent's verdict is known; top-level paths have none. */
  match(path: string, parent?: Verdict): Verdict {
    let ignored = false;
    let decidedBy: Rule | undefined;
    const matched = this.#rules.map((rule, index) => {
      let hit = parent?.matched[index] ?? false;
      if (!hit) {
        // A rule that could not change the outcome is not looked at, and counts as no match for what is below.
        // Except for the rule about `.git`: exceptions before it must not take back a part of that.
        if (rule.exception !== ignored && rule.rule.line !== undefined) return false;
        hit = rule.matches(path);
      }
      if (hit && (rule.exception === ignored || rule.rule.line === undefined)) {
        [ignored, decidedBy] = [!rule.exception, rule.rule];
      }
      return hit;
    });
    return decidedBy === undefined ? { ignored, matched } : { ignored, matched, rule: decidedBy };
  }

  /** True if nothing below an ignored folder can be taken back in, so that it need not be read. */
  prunes(folder: string, { rule }: Verdict): boolean {
    const exceptions = rule?.line === undefined ? this.#behind(rule) : this.#exceptions;
    return exceptions.every(({ prefix, plain }) => plain && !prefix.startsWith(`${folder}/`));
  }

  /** The exceptions behind a rule. */
  #behind(rule: Rule | undefined): readonly Compiled[] {
    return this.#rules.slice(this.#rules.findIndex((each) => each.rule === rule) + 1)
      .filter(({ exception }) => exception);
  }
}

function compileRule(rule: Rule, file: string): Compiled {
  const { pattern, exception, line } = rule;
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
  const named = withoutGlob(withoutGlob(pattern, "/**"), "/*");
  return { rule, matches, exception, prefix: `${named}/`, plain: !/[*[\]?^\\]/.test(named) };
}

function withoutGlob(pattern: string, end: string): string {
  return pattern.endsWith(end) ? pattern.slice(0, -end.length) : pattern;
}
