import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { IdleAbort } from "./mod.ts";

const IDLE_MS = 8_000;

Deno.test("IdleAbort aborts an idle stream after the limit, and at most a quarter of it later", async () => {
  const clock = new ManualClock();
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS });
  await clock.advance(IDLE_MS);
  assert.equal(idle.signal.aborted, false);
  await clock.advance(IDLE_MS / 4);
  assert.equal(idle.signal.aborted, true);
  assert.equal(idle.isExpired, true);
  assert.ok(isFault(idle.signal.reason) && idle.signal.reason.code === "deadline_exceeded");
});

Deno.test("IdleAbort waits for the whole limit after a reset, whenever it comes", async () => {
  for (const beforeMs of [500, 1_500, 2_000, 7_500]) {
    const clock = new ManualClock();
    using idle = new IdleAbort({ clock, idleMs: IDLE_MS });
    await clock.advance(beforeMs);
    idle.reset();
    await clock.advance(IDLE_MS - 500);
    assert.equal(idle.signal.aborted, false, `reset after ${beforeMs} ms`);
    await clock.advance(500 + IDLE_MS / 4);
    assert.equal(idle.signal.aborted, true, `reset after ${beforeMs} ms`);
  }
});

Deno.test("IdleAbort takes another limit from a reset on, at once, and the given error as the reason", async () => {
  const clock = new ManualClock();
  const error = (idleMs: number): Error => new Error(`idle for ${idleMs} ms`);
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS * 10, error });
  idle.reset(2_000);
  await clock.advance(2_000);
  assert.equal(idle.signal.aborted, false);
  await clock.advance(500);
  assert.equal(idle.signal.aborted, true);
  assert.equal(String(idle.signal.reason), "Error: idle for 2000 ms");
  idle.reset(4_000);
  await clock.advance(10_000);
  assert.equal(String(idle.signal.reason), "Error: idle for 2000 ms");
});

Deno.test("IdleAbort passes the abort of its parent on with the same reason, and does not count it as idle", async () => {
  const clock = new ManualClock();
  const parent = new AbortController();
  using idle = new IdleAbort({ clock, idleMs: IDLE_MS, signal: parent.signal });
  parent.abort("stopping");
  assert.equal(idle.signal.reason, "stopping");
  await clock.advance(IDLE_MS * 2);
  assert.equal(idle.isExpired, false);
  using late = new IdleAbort({ clock, idleMs: IDLE_MS, signal: parent.signal });
  assert.equal(late.signal.reason, "stopping");
});

Deno.test("IdleAbort leaves its signal alone after its disposal", async () => {
  const clock = new ManualClock();
  const parent = new AbortController();
  const idle = new IdleAbort({ clock, idleMs: IDLE_MS, signal: parent.signal });
  idle[Symbol.dispose]();
  parent.abort();
  await clock.advance(IDLE_MS * 2);
  assert.equal(idle.signal.aborted, false);
  assert.equal(idle.isExpired, false);
});
