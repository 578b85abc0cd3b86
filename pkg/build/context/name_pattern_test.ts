import assert from "node:assert/strict";
import { isPattern, NamePattern } from "./name_pattern.ts";

/** Answers of Go's `filepath.Match`; `undefined` is `ErrBadPattern`. */
Deno.test("NamePattern matches as Go's filepath.Match", async (t) => {
  const table: readonly (readonly [pattern: string, name: string, expected: boolean | undefined])[] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*", "", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^b-d]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "x", true],
    ["[x\\-]", "-", true],
    ["[x\\-]", "z", false],
    ["[\\-x]", "-", true],
    ["[\\-x]", "a", false],
    ["[!a]", "a", true],
    ["[.]", "a", false],
    ["a**b", "axxb", true],
    ["[]a]", "]", undefined],
    ["[-]", "-", undefined],
    ["[x-]", "x", undefined],
    ["[-x]", "x", undefined],
    ["\\", "a", undefined],
    ["[a-b-c]", "a", undefined],
    ["[", "a", undefined],
    ["[^", "a", undefined],
    ["[^bc", "a", undefined],
    ["a[", "a", undefined],
    ["*y", "yyy", true],
  ];
  for (const [pattern, name, expected] of table) {
    await t.step(`${pattern} and ${name}`, () => {
      assert.equal(NamePattern.parse(pattern)?.matches(name, { left: 10_000 }), expected);
    });
  }
});

Deno.test("NamePattern needs no more steps than both have characters, multiplied", () => {
  const work = { left: 1_000_000 };
  assert.equal(NamePattern.parse(`${"*a".repeat(100)}b`)?.matches("a".repeat(200), work), false);
  assert.ok(work.left > 1_000_000 - 201 * 202, `${1_000_000 - work.left} steps`);
});

Deno.test("isPattern() tells names that have to be parsed", () => {
  for (const name of ["*", "a?", "[", "\\a"]) assert.ok(isPattern(name));
  for (const name of ["a", "a.b", "]", "{a,b}", "ä"]) assert.ok(!isPattern(name));
});
