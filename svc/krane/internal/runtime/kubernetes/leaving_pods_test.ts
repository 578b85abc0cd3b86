import assert from "node:assert/strict";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { LeavingPods } from "./leaving_pods.ts";
import { Pod } from "./objects.ts";

function pod(uid: string, changes: { readonly ends?: boolean; readonly ready?: boolean } = {}): Pod {
  const { ends = false, ready = true } = changes;
  return Pod.parse({
    metadata: {
      ...{ name: uid, uid, resourceVersion: "1" },
      ...(ends ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: { nodeName: "n", containers: [{ name: "deployment" }] },
    status: {
      ...{ phase: "Running", podIP: "10.0.0.1" },
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [{ name: "deployment", state: ready ? { running: {} } : {} }],
    },
  });
}

/** An eviction of the only pod was an outage as long as the app's start. */
Deno.test("LeavingPods keeps the last pod while it serves, until another one runs", async () => {
  const clock = new ManualClock();
  const leaving = new LeavingPods({ clock, drainMs: 3_000 });
  const old = pod("old", { ends: true });
  assert.equal(leaving.lastOf([old]), undefined, "one that was never seen alive");
  leaving.saw(old);
  const last = leaving.lastOf([old, pod("new", { ready: false })]);
  assert.deepEqual([last?.pod.metadata.name, last?.leftMs], ["old", 2_010]);
  assert.equal(last?.pod.metadata.deletionTimestamp, undefined);
  assert.equal(leaving.lastOf([old, pod("new")]), undefined);
  await clock.advance(2_000);
  leaving.saw(old);
  assert.equal(leaving.lastOf([old])?.leftMs, 10, "its time does not begin anew");
  await clock.advance(10);
  assert.equal(leaving.lastOf([old]), undefined, "the edges have the rest of the time to leave it");
});

Deno.test("LeavingPods keeps no pod whose container has ended", () => {
  const leaving = new LeavingPods({ clock: new ManualClock(), drainMs: 3_000 });
  const ended = pod("old", { ends: true, ready: false });
  leaving.saw(ended);
  assert.equal(leaving.lastOf([ended]), undefined);
});
