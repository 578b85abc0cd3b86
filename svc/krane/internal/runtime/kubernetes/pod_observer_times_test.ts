import assert from "node:assert/strict";
import type { Cluster } from "../../../../../pkg/kube/mod.ts";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { StartTimes } from "../../deployment/start_times.ts";
import { Notes } from "./notes.ts";
import { Pod } from "./objects.ts";
import { PodObserver } from "./pod_observer.ts";
import { DESIRED } from "./testing_manifests.ts";

const CLUSTER: Cluster = {
  server: "test",
  call: () => Promise.resolve(Response.json({ metadata: { resourceVersion: "1" }, items: [] })),
  close: () => undefined,
};

function open() {
  const clock = new ManualClock();
  const log = silentLogger();
  const times = new StartTimes(clock);
  const notes = new Notes(
    { push: () => undefined, resumeFrom: () => undefined, forget: () => undefined },
    clock,
  );
  const settings = { drainMs: 0 };
  const observer = new PodObserver({
    cluster: CLUSTER,
    settings,
    clock,
    log,
    notes,
    times,
    checks: { of: () => undefined, detailOf: () => "", forget: () => undefined },
    platformOf: () => undefined,
  });
  const begunMs = clock.now();
  const metadata = {
    name: "app-x1",
    namespace: "ns",
    uid: "uid-1",
    resourceVersion: "1",
    creationTimestamp: new Date(begunMs).toISOString(),
  };
  const look = async (nodeName: string, state: object | undefined, ready = false) => {
    const app = state === undefined ? [] : [{ name: "deployment", started: true, ready, state }];
    const phase = ready ? "Running" : "Pending";
    const conditions = ready ? [{ type: "Ready", status: "True" }] : [];
    const pod = Pod.parse({
      metadata,
      spec: { nodeName, containers: [{ name: "deployment" }] },
      status: { phase, podIP: "10.0.0.1", conditions, containerStatuses: app },
    });
    await observer.observe(DESIRED, [pod], [], new AbortController().signal);
    await clock.advance(100);
  };
  const sent = () =>
    times.sent(
      DESIRED.name,
      (spans) =>
        Promise.resolve(
          spans.map((each) => [each.name, each.startedAtMs - begunMs, each.endedAtMs - begunMs]),
        ),
    );
  return { clock, times, look, sent };
}

const RUNNING = { running: { startedAt: "2026-05-01T12:00:00Z" } };

Deno.test("a pod's way to a node, to a container and to readiness are spans of the start", async () => {
  const { times, look, sent } = open();
  times.applied(DESIRED.name);
  await look("", undefined);
  await look("node-1", { waiting: { reason: "ContainerCreating" } });
  await look("node-1", { waiting: { reason: "ContainerCreating" } });
  await look("node-1", RUNNING);
  await look("node-1", RUNNING, true);
  await look("node-1", RUNNING, true);
  assert.deepEqual(await sent(), [
    ["prepare", 0, 0],
    ["schedule", 0, 100],
    ["pull and start", 100, 300],
    ["health", 300, 400],
  ]);
});

Deno.test("a pod that ran before the agent is no part of a start", async () => {
  const { times, look, sent } = open();
  times.applied(DESIRED.name);
  await look("node-1", RUNNING, true);
  assert.deepEqual(await sent(), []);
});
