import assert from "node:assert/strict";
import { latencyBucket } from "../../../../pkg/latency/mod.ts";
import { countsOf } from "../traffic/testing.ts";
import type { TrafficCounts } from "../traffic/counts.ts";
import { chanceOf, gateReason } from "./gate.ts";

/** So many requests of 10 ms, of which some failed and some took longer. */
function counts(requests: number, { failed = 0, slow = 0, slowMs = 500 } = {}): TrafficCounts {
  return countsOf(requests, {
    responses: [0, requests - failed, 0, 0, failed],
    latency: [[latencyBucket(10), requests - slow], [latencyBucket(slowMs), slow]],
  });
}

Deno.test("the gate aborts what is worse, and names the evidence", async (t) => {
  const table: readonly [string, TrafficCounts, TrafficCounts, number, string | undefined][] = [
    [
      "5 % errors",
      counts(812, { failed: 41 }),
      counts(7_310),
      3,
      "5.0 % of 812 requests failed, 0.0 % of 7,310 of the live version.",
    ],
    ["one failed request of ten", counts(10, { failed: 1 }), counts(90_000), 1, undefined],
    ["four failed requests", counts(1_000, { failed: 4 }), counts(90_000), 1, undefined],
    ["failures of few requests", counts(49, { failed: 49 }), counts(441), 1, undefined],
    [
      "failures of enough requests",
      counts(50, { failed: 50 }),
      counts(450),
      1,
      "100.0 % of 50 requests failed, 0.0 % of 450 of the live version.",
    ],
    [
      "the errors of the live version too",
      counts(1_000, { failed: 50 }),
      counts(9_000, { failed: 450 }),
      1,
      undefined,
    ],
    ["fewer errors than the live version", counts(1_000), counts(9_000, { failed: 450 }), 1, undefined],
    ["a difference of less than half a point", counts(1e6, { failed: 4_000 }), counts(9e6), 1, undefined],
    ["no request of the live version", counts(1_000, { failed: 50 }), counts(0), 1, undefined],
    ["no request of both", counts(0), counts(0), 1, undefined],
    [
      "a p95 that is much longer",
      counts(1_000, { slow: 150 }),
      counts(9_000),
      4,
      "95 % of 1,000 requests took up to 501 ms, and up to 11 ms of 9,000 of the live version.",
    ],
    ["a p95 that is a little longer", counts(1_000, { slow: 150, slowMs: 25 }), counts(9_000), 4, undefined],
    ["few slow requests", counts(1_000, { slow: 52 }), counts(9_000), 4, undefined],
    ["slow requests of both", counts(1_000, { slow: 150 }), counts(9_000, { slow: 1_350 }), 4, undefined],
    ["slow ones of too few requests", counts(99, { slow: 99 }), counts(9_000), 1, undefined],
  ];
  for (const [name, next, live, look, reason] of table) {
    await t.step(name, () => assert.equal(gateReason([{ next, live }], look), reason));
  }
});

Deno.test("the gate judges the step by itself: a version that fails under more load had time to look well", () => {
  const whole = { next: counts(100_000, { failed: 200 }), live: counts(100_000) };
  const step = { next: counts(1_000, { failed: 150 }), live: counts(1_000) };
  assert.equal(gateReason([whole], 100), undefined);
  assert.match(gateReason([whole, step], 100) ?? "", /^15\.0 % of 1,000 requests/);
});

Deno.test("the chance of a wrong abort is bounded over all looks", () => {
  let sum = 0;
  for (let look = 1; look <= 1e6; look++) sum += 4 * chanceOf(look);
  assert.ok(sum <= 0.01 && sum > 0.0099, String(sum));
});

Deno.test("the gate aborts at most 1 of 100 versions with the errors of the live one, and all with 5 points more", () => {
  let seed = 11;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const hits = (tries: number, share: number): number => {
    let count = 0;
    for (let at = 0; at < tries; at++) if (random() < share) count++;
    return count;
  };
  const aborts = (own: number, others: number): readonly number[] => {
    let [all, [failed, failedLive]] = [0, [0, 0]];
    for (let look = 1; look <= 30; look++) {
      all += 100;
      failed += hits(100, own);
      failedLive += hits(900, others);
      const compared = {
        next: counts(all, { failed }),
        live: counts(9 * all, { failed: failedLive }),
      };
      if (gateReason([compared], look) !== undefined) return [look];
    }
    return [];
  };
  for (const share of [0, 0.01, 0.05]) {
    const wrong = Array.from({ length: 300 }, () => aborts(share, share)).flat().length;
    assert.ok(wrong <= 3, `${wrong} of 300 with ${share}`);
    const looks = Array.from({ length: 30 }, () => aborts(share + 0.05, share)).flat();
    assert.equal(looks.length, 30);
    const mean = looks.reduce((sum, look) => sum + look, 0) / looks.length;
    assert.ok(mean <= 12, `${mean} looks with ${share}`);
  }
});
