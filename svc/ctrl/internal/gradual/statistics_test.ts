import assert from "node:assert/strict";
import { binomialTail, hypergeometricTail, lnFactorial } from "./statistics.ts";

const near = (found: number, wanted: number): void =>
  assert.ok(Math.abs(found - wanted) <= Math.abs(wanted) * 1e-9 + 1e-300, `${found} instead of ${wanted}`);

Deno.test("lnFactorial() is the sum of logarithms", () => {
  let sum = 0;
  for (let count = 1; count <= 1_000; count++) {
    sum += Math.log(count);
    near(lnFactorial(count) + 1, sum + 1);
  }
  near(lnFactorial(0) + 1, 1);
});

Deno.test("binomialTail() is the sum of all further counts", () => {
  const exact = (tries: number, from: number, p: number): number => {
    let sum = 0;
    for (let count = from; count <= tries; count++) {
      let choose = 1;
      for (let at = 0; at < count; at++) choose = choose * (tries - at) / (at + 1);
      sum += choose * p ** count * (1 - p) ** (tries - count);
    }
    return sum;
  };
  for (
    const [tries, count, probability] of [[10, 1, 0.05], [10, 10, 0.05], [100, 12, 0.05], [
      60,
      31,
      0.5,
    ]] as const
  ) {
    near(binomialTail({ tries, count, probability }), exact(tries, count, probability));
  }
  assert.equal(binomialTail({ tries: 100, count: 5, probability: 0.05 }), 1);
  assert.equal(binomialTail({ tries: 0, count: 0, probability: 0.05 }), 1);
});

Deno.test("hypergeometricTail() is Fisher's exact test, also for a hundred million requests", () => {
  // All 5 failures in a tenth of 1,000 requests: 100/1000 · 99/999 · 98/998 · 97/997 · 96/996.
  near(
    hypergeometricTail({ all: 1_000, hits: 5, drawn: 100, count: 5 }),
    [100, 99, 98, 97, 96].reduce((product, each, at) => product * each / (1_000 - at), 1),
  );
  near(hypergeometricTail({ all: 10, hits: 4, drawn: 5, count: 3 }), (4 * 15 + 6) / 252);
  assert.equal(hypergeometricTail({ all: 0, hits: 0, drawn: 0, count: 0 }), 1);
  assert.equal(hypergeometricTail({ all: 100, hits: 10, drawn: 10, count: 1 }), 1);
  const large = hypergeometricTail({ all: 1e8, hits: 1e5, drawn: 1e7, count: 10_500 });
  assert.ok(large > 1e-8 && large < 1e-6, String(large));
  assert.ok(hypergeometricTail({ all: 1e8, hits: 1e6, drawn: 1e7, count: 9e5 }) < 1e-300);
});
