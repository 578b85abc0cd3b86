import assert from "node:assert/strict";
import { RequestedDeployments } from "./requested.ts";

Deno.test("RequestedDeployments names a busy deployment once in 30 s, and none that got no request", () => {
  const requested = new RequestedDeployments();
  assert.deepEqual(requested.take(0), []);
  requested.note("d_1");
  requested.note("d_1");
  assert.deepEqual(requested.take(0), ["d_1"]);
  requested.note("d_1");
  requested.note("d_2");
  assert.deepEqual(requested.take(29_999), ["d_2"]);
  assert.deepEqual(requested.take(30_000), ["d_1"]);
  assert.deepEqual(requested.take(90_000), []);
});

Deno.test("RequestedDeployments names again what did not arrive, and at most 2,000 at once", () => {
  const requested = new RequestedDeployments();
  for (let n = 0; n < 2_001; n++) requested.note(`d_${n}`);
  const first = requested.take(0);
  assert.equal(first.length, 2_000);
  requested.failed(first);
  assert.deepEqual(requested.take(1), ["d_2000", ...first.slice(0, 1_999)]);
});
