import assert from "node:assert/strict";
import { besideHostileTenants } from "../testbed/tenants.ts";

Deno.test("a well-behaved app answers each request, and its deploys succeed, beside hostile tenants", async () => {
  const { hostile, deploys, attacks } = await besideHostileTenants({ quietMs: 1_000, hostileMs: 60_000 });
  assert.deepEqual(hostile.failures, []);
  assert.ok(deploys.length > 0);
  assert.deepEqual(deploys.filter((outcome) => outcome !== ""), []);
  for (const [attack, times] of attacks) assert.ok(times > 0, attack);
  assert.equal(attacks.size, 7, [...attacks.keys()].join(", "));
});
