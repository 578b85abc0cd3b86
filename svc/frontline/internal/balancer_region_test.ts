import assert from "node:assert/strict";
import { Balancer } from "./balancer.ts";
import type { Instance } from "./route_table.ts";

function instance(key: string, region = "here"): Instance {
  return { key, host: "127.0.0.1", port: 80, instanceId: key, region };
}

interface Bed {
  readonly balancer: Balancer;
  readonly clock: { nowMs: number };
  readonly loads: Record<string, number>;
  /** Regions whose agents are away. */
  readonly down: Set<string>;
  /** The instances that 200 requests get, in order of their names. */
  chosen(instances: readonly Instance[], ...tried: readonly string[]): string[];
}

function start(): Bed {
  const clock = { nowMs: 0 };
  const loads: Record<string, number> = {};
  const down = new Set<string>();
  const balancer = new Balancer({
    region: "here",
    load: (key) => loads[key] ?? 0,
    nowMs: () => clock.nowMs,
    isDown: (region) => down.has(region),
  });
  const chosen = (instances: readonly Instance[], ...tried: readonly string[]): string[] => {
    const keys = new Set<string>();
    for (let request = 0; request < 200; request++) {
      keys.add(balancer.choose(instances, new Set(tried))?.key ?? "none");
    }
    return [...keys].sort();
  };
  return { balancer, clock, loads, down, chosen };
}

const ALL = [instance("near1"), instance("near2"), instance("far1", "there"), instance("far2", "yonder")];

Deno.test("Balancer takes instances of its region, whatever their load, while one was not tried", async (t) => {
  const { loads, chosen } = start();
  loads["near1"] = loads["near2"] = 1_000;
  const cases: readonly (readonly [tried: readonly string[], want: readonly string[]])[] = [
    [[], ["near1", "near2"]],
    [["near1"], ["near2"]],
    [["near1", "near2"], ["far1", "far2"]],
    [["near1", "near2", "far2"], ["far1"]],
    [["near1", "near2", "far1", "far2"], ["none"]],
    [["gone"], ["near1", "near2"]],
  ];
  for (const [tried, want] of cases) {
    await t.step(`tried: ${tried.join()}`, () => assert.deepEqual(chosen(ALL, ...tried), want));
  }
});

/** When all are down, it is rather the control plane that was away, and its regions may well be up. */
Deno.test("Balancer prefers regions whose agents are there, beside its own", async (t) => {
  const { down, chosen } = start();
  const cases:
    readonly (readonly [down: readonly string[], tried: readonly string[], want: readonly string[]])[] = [
      [["here"], [], ["near1", "near2"]],
      [["there"], ["near1", "near2"], ["far2"]],
      [["there"], ["near1", "near2", "far2"], ["far1"]],
      [["there", "yonder"], ["near1", "near2"], ["far1", "far2"]],
      [[], ["near1", "near2"], ["far1", "far2"]],
    ];
  for (const [regions, tried, want] of cases) {
    await t.step(`down: ${regions.join()}, tried: ${tried.join()}`, () => {
      down.clear();
      for (const each of regions) down.add(each);
      assert.deepEqual(chosen(ALL, ...tried), want);
    });
  }
});

Deno.test("Balancer comes back to its region with the first instance there that can be dialed", () => {
  const { balancer, clock, chosen } = start();
  balancer.dialed("near1", false);
  balancer.dialed("near2", false);
  assert.deepEqual(chosen(ALL), ["far1", "far2"]);
  balancer.dialed("near2", true);
  assert.deepEqual(chosen(ALL), ["near2"]);
  clock.nowMs = 3_000;
  balancer.dialed("near1", true);
  assert.deepEqual(chosen(ALL), ["near1", "near2"]);
});

Deno.test("Balancer prefers the less loaded as soon as the load changes", () => {
  const { loads, chosen } = start();
  const pair = [instance("a"), instance("b")];
  loads["a"] = 1;
  assert.deepEqual(chosen(pair), ["b"]);
  loads["b"] = 2;
  assert.deepEqual(chosen(pair), ["a"]);
  loads["a"] = 2;
  assert.deepEqual(chosen(pair), ["a", "b"]);
});

Deno.test("Balancer forgets the failures of an instance that left, and of no other", () => {
  const { balancer, chosen } = start();
  const three = ["a", "b", "c"].map((key) => instance(key));
  balancer.dialed("a", false);
  balancer.dialed("b", false);
  balancer.forget("a");
  balancer.forget("unknown");
  assert.deepEqual(chosen(three), ["a", "c"]);
});

Deno.test("Balancer begins with the shortest time again after a dial that succeeded", () => {
  const { balancer, clock, chosen } = start();
  const pair = [instance("a"), instance("b")];
  balancer.dialed("a", false);
  clock.nowMs = 3_000;
  balancer.dialed("a", false);
  clock.nowMs = 8_999;
  assert.deepEqual(chosen(pair), ["b"], "6 s after the second failure");
  balancer.dialed("a", true);
  balancer.dialed("a", false);
  clock.nowMs += 2_999;
  assert.deepEqual(chosen(pair), ["b"]);
  clock.nowMs += 1;
  assert.deepEqual(chosen(pair), ["a", "b"]);
});

Deno.test("Balancer uses all instances when all were refused, since one may be back", () => {
  const { balancer, chosen } = start();
  for (const { key } of ALL) balancer.dialed(key, false);
  assert.deepEqual(chosen(ALL), ["near1", "near2"]);
  assert.deepEqual(chosen(ALL, "near1", "near2"), ["far1", "far2"]);
});
