import assert from "node:assert/strict";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { gapAfter, type OutputEnds, StallCheck, type StallMemory } from "./stall.ts";

function endsOf(first: () => bigint | undefined, last: () => bigint | undefined): OutputEnds {
  return { firstNs: () => Promise.resolve(first()), lastNs: () => Promise.resolve(last()) };
}

Deno.test("a stream stands still when the runtime has a later line and none comes", async () => {
  const clock = new ManualClock();
  let last = 5n;
  const check = new StallCheck(clock, endsOf(() => 0n, () => last), { readNs: 5n, memory: {} });
  const stop = new AbortController();
  let outcome: boolean | undefined;
  const stalled = check.untilStalled(stop.signal).then((is) => outcome = is);
  await clock.advance(120_000);
  assert.equal(outcome, undefined, "an app that prints nothing is no stall");
  // The first line of a burst ends the long interval.
  check.took(6n);
  last = 9n;
  await clock.advance(7_000);
  assert.equal(outcome, true);
  await stalled;
});

Deno.test("a line that is on its way is no stall", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const check = new StallCheck(clock, endsOf(() => 0n, () => BigInt(++asked)), { readNs: 0n, memory: {} });
  const stop = new AbortController();
  const stalled = check.untilStalled(stop.signal);
  await clock.advance(5_500);
  assert.equal(asked, 1);
  check.took(1n);
  await clock.advance(1_000);
  stop.abort();
  assert.equal(await stalled, false);
});

Deno.test("an engine that does not answer is no stall", async () => {
  const clock = new ManualClock();
  const down: OutputEnds = {
    firstNs: () => Promise.resolve(undefined),
    lastNs: () => Promise.reject(publicFault("unavailable", "The engine does not answer.")),
  };
  const stop = new AbortController();
  const stalled = new StallCheck(clock, down, { readNs: 0n, memory: {} }).untilStalled(stop.signal);
  await clock.advance(60_000);
  stop.abort();
  assert.equal(await stalled, false);
});

Deno.test("a gap is named by its times, and only when lines are gone", async () => {
  const { signal } = new AbortController();
  const second = (n: number): bigint => BigInt(Date.UTC(2026, 0, 2, 3, 4, n)) * 1_000_000n;
  const first = (ns: bigint | undefined): OutputEnds => endsOf(() => ns, () => undefined);
  assert.deepEqual(await gapAfter(second(1), first(second(9)), signal), {
    timeNs: second(9) - 1n,
    text: "(unkey: the output between 2026-01-02T03:04:01.000Z and 2026-01-02T03:04:09.000Z is missing: " +
      "the app printed it faster than it could be read)",
  });
  for (const ns of [undefined, second(0), second(1)]) {
    assert.equal(await gapAfter(second(1), first(ns), signal), undefined);
  }
  assert.equal(await gapAfter(undefined, first(second(9)), signal), undefined, "nothing was read before");
});

/** The kubelet gives each piece of a long line its own time. */
Deno.test("a last line that no stream reaches is a stall once", async () => {
  const clock = new ManualClock();
  const memory: StallMemory = {};
  const stop = new AbortController();
  const begin = () =>
    new StallCheck(clock, endsOf(() => 0n, () => 9n), { readNs: 5n, memory }).untilStalled(stop.signal);
  const first = begin();
  await clock.advance(7_000);
  assert.equal(await first, true);
  const second = begin();
  await clock.advance(120_000);
  stop.abort();
  assert.equal(await second, false);
});
