import assert from "node:assert/strict";
import { Pod } from "./objects.ts";
import { restartDueMs } from "./status.ts";

const ENDED = Date.parse("2026-05-01T12:00:00Z");

function pod(state: unknown, deletionTimestamp?: string): Pod {
  const lastState = { terminated: { exitCode: 1, finishedAt: "2026-05-01T12:00:00Z" } };
  return Pod.parse({
    metadata: { name: "a", uid: "u", resourceVersion: "1", deletionTimestamp },
    spec: { containers: [{ name: "deployment" }] },
    status: { phase: "Running", containerStatuses: [{ name: "deployment", state, lastState }] },
  });
}

Deno.test("restartDueMs() ends the back-off of Kubernetes after 30 s", () => {
  const waiting = { waiting: { reason: "CrashLoopBackOff" } };
  assert.equal(restartDueMs(pod(waiting), ENDED + 1_000), 29_000);
  assert.equal(restartDueMs(pod(waiting), ENDED + 30_000), 0);
  assert.equal(restartDueMs(pod(waiting), ENDED + 200_000), 0);
  assert.equal(restartDueMs(pod(waiting, "2026-05-01T12:00:00Z"), ENDED + 30_000), undefined);
  assert.equal(restartDueMs(pod({ running: { startedAt: "" } }), ENDED + 30_000), undefined);
  assert.equal(restartDueMs(pod({ waiting: { reason: "ImagePullBackOff" } }), ENDED + 30_000), undefined);
});
