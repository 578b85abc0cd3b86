import assert from "node:assert/strict";
import { Pace } from "./pace.ts";

/** A clock that a test moves, and the waits that were asked for. */
function bed() {
  const waits: number[] = [];
  const at = { nowMs: 0 };
  const clock = { now: () => at.nowMs, sleep: (ms: number) => Promise.resolve(void waits.push(ms)) };
  return { at, waits, clock, signal: new AbortController().signal };
}

Deno.test("Pace lets a burst pass, then so many a second, each at its own time", async () => {
  const { at, waits, clock, signal } = bed();
  const pace = new Pace({ perSecond: 10, burst: 3 }, clock);
  for (let count = 0; count < 6; count++) await pace.turn(signal);
  assert.deepEqual(waits, [100, 200, 300]);
  at.nowMs += 300;
  await pace.turn(signal);
  assert.deepEqual(waits.slice(3), [100], "those that waited have used the time");
  at.nowMs += 60_000;
  for (let count = 0; count < 4; count++) await pace.turn(signal);
  assert.deepEqual(waits.slice(4), [100], "a long rest gives no more than a burst");
});

Deno.test("Pace takes no time back when the clock is set back", async () => {
  const { at, waits, clock, signal } = bed();
  at.nowMs = 10_000;
  const pace = new Pace({ perSecond: 1, burst: 1 }, clock);
  await pace.turn(signal);
  at.nowMs = 0;
  await pace.turn(signal);
  assert.deepEqual(waits, [1_000]);
});
