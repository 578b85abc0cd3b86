/** Kubernetes says of a container without probes that it is ready as soon as it runs; it counts only after its time. */
import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { Pod } from "./objects.ts";
import { derivePod } from "./status.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const SETTLE_MS = 10_000;

interface Shape {
  readonly ranMs: number;
  readonly restarts?: number;
  readonly ready?: string;
}

function report({ ranMs, restarts = 0, ready = "True" }: Shape) {
  const lastState = restarts === 0 ? {} : { terminated: { exitCode: 3, finishedAt: "2026-05-01T11:59:00Z" } };
  const pod = Pod.parse({
    metadata: { name: "a", uid: "u", resourceVersion: "1" },
    spec: { containers: [{ name: "deployment" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      conditions: [{ type: "Ready", status: ready }, { type: "ContainersReady", status: ready }],
      containerStatuses: [{
        name: "deployment",
        containerID: "containerd://1",
        restartCount: restarts,
        state: { running: { startedAt: new Date(NOW - ranMs).toISOString() } },
        lastState,
      }],
    },
  });
  const healthCheck = { ...plainCheck(""), kind: "none", settleMs: SETTLE_MS } as const;
  const { instance, againMs } = derivePod({
    pod,
    port: 8080,
    healthCheck,
    lastLines: ["last"],
    nowMs: NOW,
    isLast: true,
  });
  return [instance.status, instance.reason, instance.address, againMs];
}

Deno.test("derivePod() counts the run of an app without a health check from its start", async (t) => {
  const address = "10.0.0.7:8080";
  const cases: readonly [string, Shape, readonly unknown[]][] = [
    ["just started", { ranMs: 0 }, ["pending", "starting", "", 10_000]],
    ["not for its start time yet", { ranMs: 9_000 }, ["pending", "starting", "", 1_000]],
    ["for its start time", { ranMs: 10_000 }, ["running", "", address, undefined]],
    ["started by a clock that is ahead", { ranMs: -2_000 }, ["pending", "starting", "", 12_000]],
    ["after one end", { ranMs: 1_000, restarts: 1 }, ["pending", "starting", "", 9_000]],
    ["in a crash loop", { ranMs: 1_000, restarts: 2 }, ["failed", "crash_loop", "", 9_000]],
    ["after a crash loop", { ranMs: 60_000, restarts: 9 }, ["running", "", address, undefined]],
  ];
  for (const [name, shape, expected] of cases) {
    await t.step(name, () => assert.deepEqual(report(shape), expected));
  }
});
