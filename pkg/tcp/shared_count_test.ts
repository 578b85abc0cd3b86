import assert from "node:assert/strict";
import { networkOf, SharedCount } from "./mod.ts";

Deno.test("SharedCount refuses a key beyond its own bound, and all beyond the common one", () => {
  const count = new SharedCount({ max: 3, perKeyMax: 2 });
  assert.equal(count.take("a"), undefined);
  assert.equal(count.take("a"), undefined);
  assert.equal(count.take("a"), "key");
  assert.equal(count.take("b"), undefined);
  assert.equal(count.take("c"), "all");
  assert.equal(count.size, 3);
  count.give("a");
  assert.equal(count.of("a"), 1);
  assert.equal(count.take("c"), undefined);
});

Deno.test("SharedCount lets a key without a bound have all that there is", () => {
  const count = new SharedCount({ max: 3, perKeyMax: 1 });
  for (let each = 0; each < 3; each++) assert.equal(count.take("balancer", { unbounded: true }), undefined);
  assert.equal(count.take("balancer", { unbounded: true }), "all");
});

Deno.test("SharedCount keeps nothing of keys that are gone", () => {
  const count = new SharedCount({ max: 3, perKeyMax: 1 });
  count.give("never counted");
  assert.equal(count.size, 0);
  count.take("a");
  count.give("a");
  count.give("a");
  assert.deepEqual([count.size, count.of("a")], [0, 0]);
});

Deno.test("networkOf() takes an IPv4 address as a client, and a /64 network of IPv6", () => {
  const cases: Readonly<Record<string, string>> = {
    "192.0.2.7": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:DB8:0001:0002::9": "2001:db8:1:2::/64",
    "2001:db8::9": "2001:db8:0:0::/64",
    "::1": "0:0:0:0::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
    "not:an:address": "not:an:address",
    "": "",
  };
  for (const [address, client] of Object.entries(cases)) assert.equal(networkOf(address), client, address);
});
