import assert from "node:assert/strict";
import { ignoreLine } from "./ignore_line.ts";
import { parseIgnoreFile } from "./ignore_file.ts";
import { IgnoreMatcher } from "./matcher.ts";

Deno.test("ignoreLine() makes a line that matches its path alone, whatever the name", async (t) => {
  const paths = [
    ".env",
    "a/b c/.env.local",
    "#a",
    "!b",
    "a#b!c",
    "[x]",
    "a*",
    "a?b",
    "{a,b}",
    "a|b",
    "a^b$c",
    "a\\\\b",
    " blank ",
    "(a+b).pem",
    "\u00e9\u{1f511}.key",
    "**",
  ];
  for (const path of paths) {
    await t.step(path, () => {
      const matcher = new IgnoreMatcher(parseIgnoreFile(ignoreLine(path)), ".dockerignore");
      const matched = paths.filter((each) => matcher.match(each).ignored);
      assert.deepEqual(matched, [path]);
    });
  }
});
