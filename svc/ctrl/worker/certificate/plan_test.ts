import assert from "node:assert/strict";
import { afterLimitMs, lookAfterMs, retryAfterMs } from "./plan.ts";

const HOUR_MS = 3_600_000;

Deno.test("looks begin early, follow the authority's wish, and end", () => {
  const silent = { lookAtMs: null, nowMs: 0 };
  assert.deepEqual([0, 1, 2, 9].map((look) => lookAfterMs(look, silent)), [100, 200, 400, 15_000]);
  const asked = { lookAtMs: 5_000, nowMs: 1_000 };
  assert.deepEqual([0, 1, 2, 9].map((look) => lookAfterMs(look, asked)), [100, 200, 4_000, 15_000]);
  assert.equal(lookAfterMs(3, { lookAtMs: 10 * HOUR_MS, nowMs: 0 }), 30_000, "a wish has a bound");
  assert.equal(lookAfterMs(25, silent), undefined);
  let totalMs = 0;
  for (let look = 0; lookAfterMs(look, silent) !== undefined; look++) {
    totalMs += lookAfterMs(look, silent) ?? 0;
  }
  assert.ok(totalMs > 4 * 60_000, "slow name servers have minutes");
});

Deno.test("waits after failures grow up to two hours, with a spread, and are never shorter than asked", () => {
  const options = { atLeastMs: 0, spread: 1 };
  assert.deepEqual([1, 2, 3, 100].map((failures) => retryAfterMs(failures, options)), [
    15_000,
    30_000,
    60_000,
    2 * HOUR_MS,
  ]);
  assert.equal(retryAfterMs(1, { atLeastMs: 0, spread: 0 }), 7_500);
  assert.equal(retryAfterMs(1, { atLeastMs: HOUR_MS, spread: 0 }), HOUR_MS);
  assert.equal(afterLimitMs(5, 100_000), 160_000);
  assert.equal(afterLimitMs(HOUR_MS, 0), HOUR_MS);
});
