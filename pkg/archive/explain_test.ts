import assert from "node:assert/strict";
import { explainPath } from "./explain.ts";
import { withGitRule } from "./git_rule.ts";
import { parseIgnoreFile } from "./ignore_file.ts";
import { IgnoreMatcher } from "./matcher.ts";
import { listContext } from "./walk.ts";
import { withFolder } from "./testing.ts";

const IGNORE = ["# what is made", "dist", "!dist/public", "", "**/*.log ", "!/keep.log", "a*", "!b*"].join(
  "\n",
);

function matcherOf(text: string): IgnoreMatcher {
  return new IgnoreMatcher(withGitRule(parseIgnoreFile(text)), ".dockerignore");
}

Deno.test("explainPath() names the line that decides, and the path that it matches", async (t) => {
  const cases:
    readonly (readonly [path: string, included: boolean, line: number | undefined, matched: string])[] = [
      ["dist", false, 2, "dist"],
      ["dist/a/b.js", false, 2, "dist"],
      ["dist/public", true, 3, "dist/public"],
      ["dist/public/a/b.css", true, 3, "dist/public"],
      ["dist/public/a/b.log", false, 5, "dist/public/a/b.log"],
      ["keep.log", true, 6, "keep.log"],
      ["src/main.ts", true, undefined, "src/main.ts"],
      ["src/debug.log", false, 5, "src/debug.log"],
      [".git/HEAD", false, undefined, ".git"],
    ];
  const matcher = matcherOf(IGNORE);
  for (const [path, included, line, matched] of cases) {
    await t.step(path, () => {
      const decision = explainPath(matcher, path);
      assert.deepEqual([decision.included, decision.rule?.line, decision.matched], [included, line, matched]);
    });
  }
  assert.equal(explainPath(matcher, "x.log").rule?.text, "**/*.log");
  assert.equal(explainPath(matcher, ".git/HEAD").rule?.text, "**/.git");
  assert.equal(explainPath(matcher, "src/main.ts").rule, undefined);
});

/** Docker does not look into an ignored folder unless an exception names a path below it. */
Deno.test("explainPath() and the walk agree on every path", async (t) => {
  const files = Object.fromEntries(
    ["a/b/c", "a/d", "b/a", "dist/public/x", "dist/x", ".git/HEAD", "x.log", "y/x.log", "keep.log"]
      .map((path) => [path, ""]),
  );
  const ignores = [
    IGNORE,
    "*\n!a/b\n",
    "a\n!a/b/c\na/b\n",
    "**\n!**/x\n",
    "a\n!a/d/\n!.git/HEAD\n",
    "a/\n!a/b/../d\n",
    "[a-d]*\n!?/a\n",
  ];
  for (const ignore of ignores) {
    await t.step(JSON.stringify(ignore), () =>
      withFolder(files, async (root) => {
        const matcher = matcherOf(ignore);
        const entries = await listContext(root, matcher, new AbortController().signal);
        const listed = new Set(entries.map(({ path }) => path));
        for (const path of Object.keys(files)) {
          assert.equal(explainPath(matcher, path).included, listed.has(path), path);
        }
      }));
  }
});
