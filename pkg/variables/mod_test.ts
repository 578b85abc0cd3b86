import assert from "node:assert/strict";
import { variableNameProblem } from "./mod.ts";

Deno.test("variableNameProblem() takes what Docker and Kubernetes take", () => {
  const good = [
    "A",
    "_a1",
    "__",
    "Logging__LogLevel__Microsoft.AspNetCore",
    "spring.datasource.url",
    "npm-token",
    "-a",
    ".a",
    "a..b",
    "A".repeat(253),
  ];
  for (const name of good) assert.equal(variableNameProblem(name), undefined, name);
});

Deno.test("variableNameProblem() says which rule a name breaks", () => {
  const bad: readonly (readonly [name: string, rule: RegExp])[] = [
    ["", /empty/],
    ["A=B", /must not contain "="/],
    ["=", /must not contain "="/],
    ["A B", /letters, digits/],
    ["A\0", /letters, digits/],
    ["A\n", /letters, digits/],
    ["Ä", /letters, digits/],
    ["a/b", /letters, digits/],
    ["A:B", /letters, digits/],
    ["1A", /digit.*1\.32/],
    [".", /Secret/],
    ["..", /Secret/],
    ["..a", /Secret/],
    ["__proto__", /JavaScript/],
    ["A".repeat(254), /at most 253 characters/],
  ];
  for (const [name, rule] of bad) assert.match(variableNameProblem(name) ?? "", rule, name);
});
