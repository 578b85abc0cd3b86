import assert from "node:assert/strict";
import { poll } from "./mod.ts";

/** A clock whose sleeps are over at once; the signal aborts at the end of the last one. */
function countedSleeps(
  count: number,
): { clock: { now(): number; sleep(ms: number): Promise<void> }; signal: AbortSignal; sleptMs: number[] } {
  const abort = new AbortController();
  const sleptMs: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    sleptMs.push(ms);
    if (sleptMs.length === count) abort.abort();
    return abort.signal.aborted ? Promise.reject(abort.signal.reason) : Promise.resolve();
  };
  return { clock: { now: () => 0, sleep }, signal: abort.signal, sleptMs };
}

Deno.test("poll() runs at once and again after each wait, until the signal aborts", async () => {
  const { clock, signal, sleptMs } = countedSleeps(3);
  let runs = 0;
  const onError = (error: unknown): never => assert.fail(String(error));
  await poll(() => Promise.resolve(void runs++), { clock, signal, everyMs: 1_000, onError });
  assert.equal(runs, 3);
  for (const ms of sleptMs) assert.ok(ms >= 500 && ms <= 1_000, `${ms} ms`);
});

Deno.test("poll() waits twice as long with each failure, up to the limit, and no longer after a success", async () => {
  const { clock, signal, sleptMs } = countedSleeps(5);
  const failures: number[] = [];
  let runs = 0;
  const action = (): Promise<void> => ++runs <= 4 ? Promise.reject(new Error("broken")) : Promise.resolve();
  const onError = (_error: unknown, count: number): void => void failures.push(count);
  await poll(action, { clock, signal, everyMs: 1_000, everyMsMax: 3_000, onError });
  assert.deepEqual(failures, [1, 2, 3, 4]);
  const wholeMs = [2_000, 3_000, 3_000, 3_000, 1_000];
  for (const [index, ms] of sleptMs.entries()) {
    const whole = wholeMs[index] ?? 0;
    assert.ok(ms >= whole / 2 && ms <= whole, `wait ${index}: ${ms} ms`);
  }
});

Deno.test("poll() does not report the failure of a run that the signal has ended", async () => {
  const abort = new AbortController();
  const { clock } = countedSleeps(1);
  const action = (): Promise<void> => {
    abort.abort();
    return Promise.reject(new Error("aborted"));
  };
  const onError = (): never => assert.fail("a failure is reported");
  await poll(action, { clock, signal: abort.signal, everyMs: 1_000, onError });
});
