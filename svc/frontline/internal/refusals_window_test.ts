import assert from "node:assert/strict";
import { Refusals } from "./refusals.ts";

const texts = (refusals: Refusals, nowMs: number): string[] => refusals.take(nowMs).map(({ text }) => text);

Deno.test("Refusals gives room back to the deployment whose refusal ended, and to no other", () => {
  const refusals = new Refusals();
  for (const id of ["a", "b"]) for (let n = 0; n < 8; n++) refusals.note(id, `text ${n}`, 0);
  refusals.take(0);
  // All of b go on, and one of a.
  for (let n = 0; n < 8; n++) refusals.note("b", `text ${n}`, 1);
  refusals.note("a", "text 0", 1);
  assert.equal(refusals.take(60_000).length, 9);
  refusals.note("b", "new", 60_001);
  assert.deepEqual(texts(refusals, 60_001), [], "b has eight different ones still");
  for (let n = 0; n < 10; n++) refusals.note("a", `new ${n}`, 60_001);
  assert.deepEqual(texts(refusals, 60_001), Array.from({ length: 7 }, (_, n) => `new ${n}`));
});

Deno.test("Refusals counts each minute for itself", () => {
  const refusals = new Refusals();
  refusals.note("d", "broken", 0);
  refusals.take(0);
  for (let count = 0; count < 3; count++) refusals.note("d", "broken", 30_000);
  assert.deepEqual(texts(refusals, 60_000), ["broken (3 more in 60 s)"]);
  refusals.note("d", "broken", 60_001);
  assert.deepEqual(texts(refusals, 119_999), [], "a minute after the last line");
  assert.deepEqual(texts(refusals, 120_000), ["broken (1 more in 60 s)"]);
});

Deno.test("Refusals sends what failed again, before what came since", () => {
  const refusals = new Refusals();
  refusals.note("d", "first", 0);
  const lines = refusals.take(0);
  refusals.note("d", "second", 1);
  refusals.failed(lines);
  assert.deepEqual(refusals.take(1), [
    { deploymentId: "d", text: "first", atMs: 0 },
    { deploymentId: "d", text: "second", atMs: 1 },
  ]);
  assert.deepEqual(refusals.take(2), []);
});
