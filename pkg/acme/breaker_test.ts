import assert from "node:assert/strict";
import { CircuitBreaker } from "./mod.ts";

Deno.test("a circuit opens after failures in a row, lets one call try after a while, and closes with a success", () => {
  const breaker = new CircuitBreaker({ failuresMax: 2, openMs: 1_000 });
  breaker.failed(0);
  assert.equal(breaker.isOpen(0), false);
  breaker.succeeded();
  breaker.failed(0);
  assert.equal(breaker.isOpen(0), false, "the failures were not in a row");
  breaker.failed(0);
  assert.equal(breaker.isOpen(999), true);
  assert.equal(breaker.openUntilMs, 1_000);
  assert.equal(breaker.isOpen(1_000), false);
  breaker.failed(1_000);
  assert.equal(breaker.isOpen(1_500), true, "the try failed too");
  breaker.succeeded();
  assert.equal(breaker.isOpen(1_500), false);
});
