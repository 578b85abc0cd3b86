import assert from "node:assert/strict";
import { plainCheck } from "../../deployment/health_check.ts";
import { Pod } from "./objects.ts";
import { derivePod } from "./status.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1_000).toISOString();

/** It has run for a minute. */
function pod(ready: "True" | "False"): Pod {
  return Pod.parse({
    metadata: { name: "app-x1", uid: "u", resourceVersion: "1" },
    spec: { nodeName: "node-1", containers: [{ name: "deployment" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      conditions: [{ type: "Ready", status: ready, lastTransitionTime: at(5) }],
      containerStatuses: [{ name: "deployment", started: true, state: { running: { startedAt: at(60) } } }],
    },
  });
}

Deno.test("derivePod() reports a bad answer while the pod is ready, and the last answer when it is not", () => {
  const facts = {
    port: 8080,
    healthCheck: plainCheck("/up"),
    lastLines: ["no database"],
    nowMs: NOW,
    isLast: true,
  };
  const ready = pod("True");
  const { instance } = derivePod({ ...facts, pod: ready, failing: "it answered 500" });
  assert.deepEqual([instance.status, instance.reason, instance.address], [
    "running",
    "unhealthy",
    "10.0.0.7:8080",
  ]);
  assert.match(instance.message, /GET \/up on port 8080 does not answer 2xx or 3xx \(it answered 500\)/);
  assert.deepEqual(instance.lastLogLines, ["no database"]);
  const unready = pod("False");
  const text = derivePod({ ...facts, pod: unready, answered: "connection refused" }).instance.message;
  assert.match(text, /\(connection refused\)/);
});
