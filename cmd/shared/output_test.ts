import assert from "node:assert/strict";
import { age, facts, jsonLine, oneLine, printable, table } from "./output.ts";

Deno.test("table() makes each column as wide as its widest cell, and shows a dash for an empty one", () => {
  assert.equal(
    table(["ID", "BRANCH", "URL"], [["d_1", "", "http://a"], ["d_22", "main", ""]]),
    `ID    BRANCH  URL
d_1   -       http://a
d_22  main    -
`,
  );
  assert.equal(table(["ID", "URL"], []), "ID  URL\n");
});

/** A branch or a commit is foreign text: it must not start a line that looks like another deployment. */
Deno.test("table() keeps foreign text in its cell", () => {
  assert.equal(table(["A", "B"], [["x\ny\x1b[2J", "z"]]), "A    B\nx y  z\n");
});

Deno.test("facts() aligns values, leaves out names without one, and takes a line for each of several", () => {
  assert.equal(
    facts({ id: "d_1", branch: undefined, commit: "", urls: ["http://a", "", "http://b"] }),
    `id      d_1
urls    http://a
        http://b
`,
  );
});

Deno.test("age() takes the largest unit that fits, and is never negative", () => {
  const now = 1_000_000_000;
  const cases: readonly (readonly [number, string])[] = [
    [-5_000, "0s"],
    [0, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_599_999, "59m"],
    [3_600_000, "1h"],
    [86_399_999, "23h"],
    [86_400_000, "1d"],
    [400 * 86_400_000, "400d"],
  ];
  for (const [ms, expected] of cases) assert.equal(age(now - ms, now), expected);
});

Deno.test("printable() removes control characters, and keeps line ends and tabs", () => {
  assert.equal(printable("a\x1b[31mb\x1b[0m\tc\nd\x07\x9be\r"), "ab\tc\nde");
});

Deno.test("oneLine() makes one line of several", () => {
  assert.equal(oneLine("  a\n\tb\x1b[2K  c "), "a b c");
});

Deno.test("jsonLine() prints line ends of values escaped, so that the object stays on one line", () => {
  assert.equal(jsonLine({ text: "a\nb" }), '{"text":"a\\nb"}\n');
});
