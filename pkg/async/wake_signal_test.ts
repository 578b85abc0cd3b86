import assert from "node:assert/strict";
import { ManualClock } from "../testkit/manual_clock.ts";
import { WakeSignal } from "./mod.ts";

const { signal: NEVER } = new AbortController();

Deno.test("WakeSignal.wait() returns true at a wake-up, with and without a time", async () => {
  for (const ms of [undefined, 1_000]) {
    const wake = new WakeSignal(new ManualClock());
    const waiting = wake.wait(ms, NEVER);
    assert.equal(wake.isWaiting, true);
    wake.wake();
    wake.wake();
    assert.equal(await waiting, true);
    assert.equal(wake.isWaiting, false);
  }
});

Deno.test("WakeSignal keeps a wake-up that comes before the wait, once, unless it is cleared", async () => {
  const clock = new ManualClock();
  const wake = new WakeSignal(clock);
  wake.wake();
  wake.wake();
  assert.equal(await wake.wait(), true);
  wake.wake();
  wake.clear();
  const waiting = wake.wait(1_000);
  await clock.advance(1_000);
  assert.equal(await waiting, false);
});

Deno.test("WakeSignal counts wake-ups that come together once", async () => {
  const clock = new ManualClock();
  const wake = new WakeSignal(clock);
  const first = wake.wait(1_000);
  wake.wake();
  wake.wake();
  assert.equal(await first, true);
  const second = wake.wait(1_000);
  await clock.advance(1_000);
  assert.equal(await second, false);
});

Deno.test("WakeSignal.wait() returns false when the time has passed", async () => {
  const clock = new ManualClock();
  const waiting = new WakeSignal(clock).wait(1_500, NEVER);
  let isOver = false;
  void waiting.then(() => isOver = true);
  await clock.advance(1_000);
  assert.equal(isOver, false);
  await clock.advance(500);
  assert.equal(await waiting, false);
});

Deno.test("WakeSignal.wait() returns false when the signal aborts, before and during the wait", async () => {
  for (const ms of [undefined, 1_000]) {
    const wake = new WakeSignal(new ManualClock());
    const abort = new AbortController();
    const waiting = wake.wait(ms, abort.signal);
    abort.abort();
    assert.equal(await waiting, false);
    assert.equal(await wake.wait(ms, abort.signal), false);
    assert.equal(wake.isWaiting, false);
  }
});
