import assert from "node:assert/strict";
import { jsonProblem } from "./json_shape.ts";

const LIMITS = { depthMax: 3, membersMax: 5 };
const problemOf = (text: string): string | undefined => jsonProblem(new TextEncoder().encode(text), LIMITS);

Deno.test("jsonProblem() takes what is within the limits, valid or not", () => {
  for (
    const text of [
      "{}",
      '{"a":[1,2,{"b":3}]}',
      '"text"',
      "",
      "]]]",
      '{"a":',
      '["[[[[[","\\"[[[["]',
      '["\\\\"]',
    ]
  ) {
    assert.equal(problemOf(text), undefined, text);
  }
});

Deno.test("jsonProblem() refuses what is too deep or has too many members", () => {
  assert.match(problemOf("[[[[1]]]]") ?? "", /deeper than 3 levels/);
  assert.match(problemOf('{"a":{"b":{"c":{}}}}') ?? "", /deeper than 3 levels/);
  assert.match(problemOf("[1,2,3,4,5,6]") ?? "", /more than 5 members/);
  assert.match(problemOf("[[],[],[],[],[]]") ?? "", /more than 5 members/);
  // A string ends where JSON says so, or what follows would not be counted.
  assert.match(problemOf('["\\\\",[[[1]]]]') ?? "", /deeper than 3 levels/);
});
