import assert from "node:assert/strict";
import { CircuitBreaker } from "./mod.ts";

Deno.test("a circuit by default opens at the third failure, for five minutes", () => {
  const breaker = new CircuitBreaker();
  assert.equal(breaker.openUntilMs, 0, "it never was open");
  for (const atMs of [1_000, 2_000]) breaker.failed(atMs);
  assert.equal(breaker.isOpen(2_000), false);
  breaker.failed(3_000);
  assert.deepEqual([breaker.isOpen(302_999), breaker.isOpen(303_000)], [true, false]);
});

Deno.test("a circuit that is tried and fails is open for as long again, from the try", () => {
  const breaker = new CircuitBreaker({ failuresMax: 1, openMs: 100 });
  breaker.failed(0);
  breaker.failed(50);
  assert.equal(breaker.openUntilMs, 150, "a call that was under way failed later");
  breaker.failed(500);
  assert.deepEqual([breaker.isOpen(599), breaker.isOpen(600)], [true, false]);
  breaker.succeeded();
  assert.deepEqual([breaker.isOpen(600), breaker.openUntilMs], [false, 0]);
});
