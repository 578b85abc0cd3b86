import assert from "node:assert/strict";
import { FloodGuard } from "./flood.ts";

Deno.test("FloodGuard lets a burst pass, and then so many per second", () => {
  let nowMs = 0;
  const guard = new FloodGuard(() => nowMs);
  const passed = (what: "reset" | "idleFrame"): number => {
    let count = 0;
    while (count < 10_000 && guard[what]()) count++;
    return count;
  };
  assert.equal(passed("reset"), 200);
  nowMs = 999;
  assert.equal(passed("reset"), 0);
  nowMs = 1_000;
  // The one that was too many counts, too: once for each attempt above.
  assert.equal(passed("reset"), 48);
  nowMs = 1_000_000;
  assert.equal(passed("reset"), 200, "no more are saved up");
  assert.equal(passed("idleFrame"), 1_000);
});

Deno.test("FloodGuard takes one frame that says nothing for each one that moves a request on", () => {
  const guard = new FloodGuard(() => 0);
  for (let count = 0; count < 1_000; count++) assert.equal(guard.idleFrame(), true);
  for (let count = 0; count < 3; count++) guard.useful();
  for (let count = 0; count < 3; count++) assert.equal(guard.idleFrame(), true);
  assert.equal(guard.idleFrame(), false);
  const fresh = new FloodGuard(() => 0);
  for (let count = 0; count < 5; count++) fresh.useful();
  for (let count = 0; count < 1_000; count++) assert.equal(fresh.idleFrame(), true);
  assert.equal(fresh.idleFrame(), false, "nothing is saved up");
});
