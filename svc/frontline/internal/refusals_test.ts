import assert from "node:assert/strict";
import { Refusals } from "./refusals.ts";

const texts = (refusals: Refusals, nowMs: number): string[] => refusals.take(nowMs).map(({ text }) => text);

Deno.test("Refusals tells one at once, and how often it was after a minute", () => {
  const refusals = new Refusals();
  for (let count = 0; count < 1_000; count++) refusals.note("d", "too large", count);
  assert.deepEqual(refusals.take(1_000), [{ deploymentId: "d", text: "too large", atMs: 0 }]);
  assert.deepEqual(texts(refusals, 59_999), []);
  assert.deepEqual(texts(refusals, 60_000), ["too large (999 more in 60 s)"]);
  assert.deepEqual(texts(refusals, 120_000), [], "nothing more came");
  refusals.note("d", "too large", 120_001);
  assert.deepEqual(texts(refusals, 120_001), ["too large"], "and then it is reported again");
});

Deno.test("Refusals keeps the deployments apart, and few different ones of each", () => {
  const refusals = new Refusals();
  for (let count = 0; count < 100; count++) refusals.note("loud", `text ${count}`, 0);
  refusals.note("quiet", "text 0", 0);
  const lines = refusals.take(0);
  assert.equal(lines.filter(({ deploymentId }) => deploymentId === "loud").length, 8);
  assert.equal(lines.filter(({ deploymentId }) => deploymentId === "quiet").length, 1);
  assert.deepEqual(texts(refusals, 60_000), []);
  refusals.note("loud", "text 99", 60_000);
  assert.deepEqual(texts(refusals, 60_000), ["text 99"], "there is room again");
});

Deno.test("Refusals holds a bounded number of lines for a control plane that is away, the newest ones", () => {
  const refusals = new Refusals();
  for (let count = 0; count < 5_000; count++) refusals.note(`d${count}`, "text", count);
  const first = refusals.take(5_000);
  assert.equal(first.length, 100);
  refusals.failed(first);
  const all = [];
  for (let lines = refusals.take(5_000); lines.length > 0; lines = refusals.take(5_000)) all.push(...lines);
  assert.equal(all.length, 500);
  assert.equal(all.at(-1)?.deploymentId, "d1999", "the last one that was remembered");
});
