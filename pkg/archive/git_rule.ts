import type { Rule } from "./ignore_file.ts";

/** Git's own folder, and the file of this name that worktrees and submodules have instead, at any depth. */
const GIT_RULE: Rule = { pattern: "**/.git", exception: false, text: "**/.git" };

/**
 * The rules of an ignore file, and the one that leaves out what git keeps: credentials of remotes, every version of every file, and an index that
 * changes without the sources.
 *
 * It goes before the first exception that names `.git`, and otherwise behind all rules, so that an exception like `!src` takes back the
 * sources of a submodule alone.
 */
export function withGitRule(rules: readonly Rule[]): readonly Rule[] {
  const at = rules.findIndex(({ pattern, exception }) => exception && pattern.split("/").includes(".git"));
  const before = at < 0 ? rules.length : at;
  return [...rules.slice(0, before), GIT_RULE, ...rules.slice(before)];
}
