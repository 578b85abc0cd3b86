import assert from "node:assert/strict";
import { quoteTxt, readTxt } from "./txt_text.ts";

Deno.test("readTxt() reads what quoteTxt() and providers write", async (t) => {
  const cases: readonly [name: string, written: string, value: string][] = [
    ["a proof", '"abc-_123"', "abc-_123"],
    ["without quotes", "abc", "abc"],
    ["nothing", '""', ""],
    ["a quote in it", '"say \\"hello\\""', 'say "hello"'],
    ["a backslash in it", '"a\\\\b"', "a\\b"],
    ["a character by its octal number, as Route 53 writes it", '"a\\042b"', 'a"b'],
    ["several texts are one value", '"v=spf1 " "-all"', "v=spf1 -all"],
  ];
  for (const [name, written, value] of cases) {
    await t.step(name, () => assert.equal(readTxt(written), value));
  }
});

Deno.test("quoteTxt() is undone by readTxt()", () => {
  for (const value of ["abc", 'a"b', "a\\b", '\\"', "", "a b"]) assert.equal(readTxt(quoteTxt(value)), value);
});
