import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { WaitOver, withinTime } from "./time_limit.ts";

const clock = systemClock();
const LONG_MS = 60_000;

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

Deno.test("withinTime() returns what the work returns, and leaves no timer", async () => {
  const { signal } = new AbortController();
  assert.equal(await withinTime({ clock, signal, limitMs: LONG_MS }, () => Promise.resolve(7)), 7);
  const failure = new Error("of the work");
  const failing = withinTime({ clock, signal, limitMs: LONG_MS }, () => Promise.reject(failure));
  await assert.rejects(failing, (error) => error === failure);
});

Deno.test("withinTime() ends work that takes longer", async () => {
  const { signal } = new AbortController();
  await assert.rejects(withinTime({ clock, signal, limitMs: 1 }, untilAborted), WaitOver);
});

Deno.test("withinTime() passes on the end of the given signal, and does not call it the end of the time", async () => {
  const stop = new AbortController();
  const work = withinTime({ clock, signal: stop.signal, limitMs: LONG_MS }, untilAborted);
  const reason = new DOMException("Got SIGINT", "AbortError");
  stop.abort(reason);
  await assert.rejects(work, (error) => error === reason);
});
