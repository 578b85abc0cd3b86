import type { Rule } from "./ignore_file.ts";
import type { IgnoreMatcher, Verdict } from "./matcher.ts";

/** The reason for which a path belongs to a context, or does not. */
export interface Decision {
  readonly included: boolean;
  /** The rule that decides; absent for a path that no rule is about. */
  readonly rule?: Rule;
  /** The path that the rule matches: the one in question, or a folder above it. */
  readonly matched: string;
}

/** Decides as the walk does, folder by folder. */
export function explainPath(matcher: IgnoreMatcher, path: string): Decision {
  const names = path.split("/");
  let [verdict, matched]: [Verdict | undefined, string] = [undefined, path];
  for (let length = 1; length <= names.length; length++) {
    const at = names.slice(0, length).join("/");
    const next = matcher.match(at, verdict);
    if (next.rule !== verdict?.rule || length === 1) matched = at;
    verdict = next;
    if (next.ignored && matcher.prunes(at, next)) break;
  }
  const rule = verdict?.rule;
  if (rule === undefined) return { included: true, matched: path };
  return { included: verdict?.ignored === false, rule, matched };
}
