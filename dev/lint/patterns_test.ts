import assert from "node:assert/strict";
import { patternProblem } from "./patterns.ts";

const REFUSED = [
  /[ \t]*\r\n[ \t]+/,
  /\r+$/,
  /\/*$/,
  /x|-+$/,
  /(?:\/+v[12])?$/,
  /^(a+)+$/,
  /^(?:[a-z]*)*$/,
  /^(?:a|b+)*$/,
  /failed to compute cache key:.*failed to walk/,
  /dockerfile.+no such file/i,
  /a[^]*b/,
  / {2,}x/,
];
const ALLOWED = [
  /^\s+$/,
  /\s+/g,
  /(?<!\/)\/+$/,
  /a\/+/,
  /^(?:[a-z]+\.)+[a-z]+$/,
  /failed to compute cache key:.{0,200}failed to walk/,
  /#.*$/,
  /#.*/,
  /[.*+]/,
  /\.\*x/,
  /^.*x/,
  /\p{L}a/u,
  /(a|b)?c/,
];

Deno.test("patternProblem() names the shapes that need more than time in proportion to the text", () => {
  for (const { source } of REFUSED) assert.notEqual(patternProblem(source), undefined, source);
  for (const { source } of ALLOWED) assert.equal(patternProblem(source), undefined, source);
});
