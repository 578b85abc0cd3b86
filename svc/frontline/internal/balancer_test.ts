import assert from "node:assert/strict";
import { Balancer } from "./balancer.ts";
import type { Instance } from "./route_table.ts";

function instance(key: string, region = "here"): Instance {
  return { key, host: "127.0.0.1", port: 80, instanceId: key, region };
}

function start(loads: Record<string, number> = {}) {
  const clock = { nowMs: 0 };
  const balancer = new Balancer({
    region: "here",
    load: (key) => loads[key] ?? 0,
    nowMs: () => clock.nowMs,
    isDown: () => false,
  });
  return { balancer, clock };
}

/** Choices of each instance in 1,000 requests. */
function shares(balancer: Balancer, instances: readonly Instance[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let request = 0; request < 1_000; request++) {
    const key = balancer.choose(instances, new Set())?.key ?? "none";
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

Deno.test("Balancer spreads requests over instances that are equally loaded", () => {
  const { balancer } = start();
  const counts = shares(balancer, [instance("a"), instance("b"), instance("c"), instance("d")]);
  for (const key of ["a", "b", "c", "d"]) assert.ok((counts[key] ?? 0) > 150, JSON.stringify(counts));
});

Deno.test("Balancer gives nothing to the most loaded instance", () => {
  const { balancer } = start({ a: 9, b: 1, c: 1 });
  assert.equal(shares(balancer, [instance("a"), instance("b"), instance("c")])["a"], undefined);
});

Deno.test("Balancer leaves its region only when no instance there can be dialed", () => {
  const { balancer } = start();
  const instances = [instance("far", "there"), instance("near")];
  assert.deepEqual(shares(balancer, instances), { near: 1_000 });
  balancer.dialed("near", false);
  assert.deepEqual(shares(balancer, instances), { far: 1_000 });
});

Deno.test("Balancer gives an instance that refused no requests for a while, or until a dial succeeds", () => {
  const { balancer, clock } = start();
  const instances = [instance("a"), instance("b")];
  balancer.dialed("a", false);
  assert.deepEqual(shares(balancer, instances), { b: 1_000 });
  clock.nowMs = 3_001;
  assert.equal(shares(balancer, instances)["a"], 1);
  balancer.dialed("a", false);
  balancer.dialed("a", true);
  assert.ok((shares(balancer, instances)["a"] ?? 0) > 0);
});

Deno.test("Balancer tries an instance that refused when there is no other, but not twice for one request", () => {
  const { balancer } = start();
  balancer.dialed("a", false);
  balancer.dialed("b", false);
  const instances = [instance("a"), instance("b")];
  assert.notEqual(balancer.choose(instances, new Set()), undefined);
  assert.equal(balancer.choose(instances, new Set(["a"]))?.key, "b");
  assert.equal(balancer.choose(instances, new Set(["a", "b"])), undefined);
  assert.equal(balancer.choose([instance("a")], new Set(["a"])), undefined);
  assert.equal(balancer.choose([], new Set()), undefined);
});

Deno.test("Balancer lets one request try an instance again, and waits twice as long after each failure", () => {
  const { balancer, clock } = start();
  const instances = [instance("a"), instance("b")];
  const dialsThatFail = (): number => {
    const count = shares(balancer, instances)["a"] ?? 0;
    // Dials that were under way at the same time.
    for (let dial = 0; dial < 3; dial++) balancer.dialed("a", false);
    return count;
  };
  balancer.dialed("a", false);
  const waits = [3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000];
  for (const waitMs of waits) {
    clock.nowMs += waitMs - 1;
    assert.equal(shares(balancer, instances)["a"], undefined, `for ${waitMs} ms`);
    clock.nowMs += 1;
    assert.equal(dialsThatFail(), 1, `after ${waitMs} ms`);
  }
  balancer.dialed("a", true);
  assert.ok((shares(balancer, instances)["a"] ?? 0) > 1);
});
