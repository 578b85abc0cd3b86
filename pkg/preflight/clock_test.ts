import assert from "node:assert/strict";
import { ManualClock } from "../testkit/manual_clock.ts";
import { clockProbe } from "./mod.ts";

const { signal } = new AbortController();

Deno.test("the clock that differs most decides", async (t) => {
  const clock = new ManualClock();
  const cases: readonly (readonly [offsets: readonly (number | undefined | Error)[], want: RegExp])[] = [
    [[], /^ok No other clock/],
    [[undefined, new Error("away")], /^ok No other clock/],
    [[500], /^ok It agrees with part 0/],
    [[500, -1_900], /^ok It agrees with 2 others/],
    [[500, -5_000], /^warning The clock of part 1 is 5 s behind this/],
    [[4_000, 400_000], /^failed The clock of part 1 is 400 s ahead of this/],
  ];
  for (const [offsets, want] of cases) {
    await t.step(String(offsets), async () => {
      const sources = offsets.map((offset, at) => ({
        name: `part ${at}`,
        read: () =>
          offset instanceof Error
            ? Promise.reject(offset)
            : Promise.resolve(offset === undefined ? undefined : clock.now() + offset),
      }));
      const { outcome, text } = await clockProbe(sources, clock).ask(signal);
      assert.match(`${outcome} ${text}`, want);
    });
  }
});
