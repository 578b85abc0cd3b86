import assert from "node:assert/strict";
import { OutputTail } from "./output_tail.ts";

function tailOf(texts: readonly string[], atMs = 0): OutputTail {
  const tail = new OutputTail();
  for (const text of texts) tail.take(text, atMs);
  return tail;
}

Deno.test("output is complete when the reported lines were the last ones to come", () => {
  assert.equal(tailOf([]).hasAll([], 0), true);
  assert.equal(tailOf(["a"]).hasAll(["a", "b"], 0), false);
  assert.equal(tailOf(["a", "b"]).hasAll(["b", "a"], 0), true, "two streams may change places");
  assert.equal(tailOf(["a", "b", "(unkey: It was killed.)"]).hasAll(["b"], 0), true);
  assert.equal(tailOf(["x".repeat(9_000)]).hasAll(["x".repeat(2_048)], 0), true, "an agent cuts them");
});

Deno.test("output that repeats itself has to be quiet, too", () => {
  const same = Array.from({ length: 20 }, () => "yes");
  const tail = tailOf([...same, ...same], 5_000);
  assert.equal(tail.hasAll(same, 5_999), false);
  assert.equal(tail.hasAll(same, 6_000), true);
});
