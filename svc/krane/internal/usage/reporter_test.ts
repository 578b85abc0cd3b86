import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { DESIRED } from "../runtime/kubernetes/testing_manifests.ts";
import type { Instance } from "../runtime/port.ts";
import { type DeploymentUsage, reportUsage } from "./reporter.ts";

function instance(name: string, status: Instance["status"] = "running"): Instance {
  return {
    name,
    status,
    address: "",
    cpuMillicores: 1,
    memoryMib: 1,
    reason: "",
    message: "",
    restarts: 0,
    lastLogLines: [],
  };
}

Deno.test("reportUsage() sums up the instances that serve, and reports nothing of those that cannot be measured", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const sent: (readonly DeploymentUsage[])[] = [];
  const scaled = { ...DESIRED, reportsUsage: true };
  const state = { desired: [DESIRED], isBroken: false };
  const measured = ["a", "b", "starting", "foreign"].map((name) => ({ name, cpuMillicores: 100 }));
  const done = reportUsage({
    clock,
    log: silentLogger(),
    runtime: {
      usage: () => state.isBroken ? Promise.reject(new Error("no metrics")) : Promise.resolve(measured),
    },
    desired: () => state.desired,
    instancesOf: () => [instance("a"), instance("b"), instance("new"), instance("starting", "pending")],
    send: (usages) => Promise.resolve(void sent.push(usages)),
  }, stop.signal);
  await clock.advance(10_000);
  assert.deepEqual(sent, [], "no deployment is scaled by its CPU");
  state.desired = [scaled, DESIRED];
  await clock.advance(5_000);
  assert.deepEqual(sent, [[{ deploymentId: scaled.deploymentId, cpuMillicores: 200, instances: 2 }]]);
  state.isBroken = true;
  await clock.advance(5_000);
  await clock.advance(25_000);
  assert.equal(sent.length, 1);
  state.isBroken = false;
  await clock.advance(3_000);
  assert.equal(sent.length, 2);
  stop.abort();
  await done;
});
