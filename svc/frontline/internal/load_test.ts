import assert from "node:assert/strict";
import { Balancer } from "./balancer.ts";
import { DeploymentTraffic } from "./deployment_traffic.ts";
import { Loads, type LoadSource } from "./load.ts";
import type { Instance } from "./route_table.ts";

function instance(name: string, region: string): Instance {
  return { key: name, host: "127.0.0.1", port: 80, instanceId: name, region, owner: "d" };
}

function source(busyMs: number, instances = [instance("a", "eu")], deploymentId = "d"): LoadSource {
  return { deploymentId, instances, busyMs };
}

Deno.test("Loads takes the mean of the last two times, of every deployment that is scaled", () => {
  const loads = new Loads((instances) => instances);
  const shown = (nowMs: number, ...sources: readonly LoadSource[]) =>
    loads.take(sources, nowMs).map(({ deploymentId, concurrencyMilli }) => [deploymentId, concurrencyMilli]);
  assert.deepEqual(shown(0, source(0)), [], "nothing is known of a time before");
  assert.deepEqual(shown(2_000, source(8_000)), [["d", 4_000]]);
  assert.deepEqual(shown(4_000, source(24_000)), [["d", 6_000]]);
  assert.deepEqual(shown(6_000, source(40_000), source(0, [instance("b", "eu")], "e")), [["d", 8_000]]);
  assert.deepEqual(shown(8_000, source(40_000), source(0, [instance("b", "eu")], "e")), [
    ["d", 4_000],
    ["e", 0],
  ]);
  assert.deepEqual(shown(10_000), []);
  assert.deepEqual(shown(12_000, source(90_000)), [], "forgotten");
});

Deno.test("Loads gives each region its share of the requests, and one without any nothing", () => {
  const isDown = (region: string): boolean => region === "ap";
  const shares = (own: string) => {
    const balancer = new Balancer({ region: own, load: () => 0, isDown, nowMs: () => 0 });
    const loads = new Loads((instances) => balancer.preferred(instances));
    const instances = [
      ...[instance("a", "eu"), instance("b", "us"), instance("c", "us")],
      instance("d", "ap"),
    ];
    loads.take([source(0, instances)], 0);
    return Object.fromEntries(
      loads.take([source(6_000, instances)], 1_000).map(({ region, concurrencyMilli }) => [
        region,
        concurrencyMilli,
      ]),
    );
  };
  assert.deepEqual(shares("eu"), { eu: 6_000, us: 0, ap: 0 }, "those beside the edge");
  assert.deepEqual(shares("sa"), { eu: 2_000, us: 4_000, ap: 0 }, "those that are up");
});

Deno.test("the time of requests goes on when an interval is taken", () => {
  const traffic = new DeploymentTraffic("d", 0);
  traffic.begun(0);
  traffic.begun(1_000);
  assert.equal(traffic.totalBusyMs(2_000), 3_000);
  traffic.take(2_000);
  traffic.ended(3_000);
  assert.equal(traffic.totalBusyMs(4_000), 6_000);
});
