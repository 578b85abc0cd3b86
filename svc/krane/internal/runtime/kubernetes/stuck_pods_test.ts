import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { Pod } from "./objects.ts";
import { StuckPods } from "./stuck_pods.ts";

const NO_RUNTIME = 'failed to get sandbox runtime: no runtime for "runsc" is configured';

function start(answer: () => unknown) {
  const requests: ApiRequest[] = [];
  const logs: string[] = [];
  const clock = new ManualClock();
  const cluster: Cluster = {
    server: "test",
    call(request) {
      requests.push(request);
      return Promise.resolve().then(() => Response.json(answer()));
    },
    close: () => undefined,
  };
  const log = createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) });
  const stuck = new StuckPods({ cluster, clock, log });
  const createdAt = clock.now();
  const pod = (changes: { readonly phase?: string; readonly node?: string; readonly state?: unknown } = {}) =>
    Pod.parse({
      metadata: {
        name: "a-x1",
        namespace: "ns",
        uid: "uid-1",
        resourceVersion: "1",
        creationTimestamp: new Date(createdAt).toISOString(),
      },
      spec: { nodeName: changes.node ?? "node-1", containers: [{ name: "deployment" }] },
      status: {
        phase: changes.phase ?? "Pending",
        containerStatuses: changes.state === undefined ? [] : [{ name: "deployment", state: changes.state }],
      },
    });
  const look = (each: Pod = pod()) => stuck.of(each, new AbortController().signal);
  return { clock, logs, look, pod, requests };
}

const event = (reason: string, message: string, lastTimestamp: string) => ({
  metadata: { name: reason, uid: reason, resourceVersion: "1" },
  type: "Warning",
  reason,
  message,
  lastTimestamp,
});
const list = (...items: readonly unknown[]) => ({ metadata: { resourceVersion: "9" }, items });

Deno.test("StuckPods asks for the events of a pod that its node makes for long, less and less often", async () => {
  const { clock, look, requests } = start(() =>
    list(
      event("FailedMount", "older", "2026-05-01T12:00:00Z"),
      event("FailedCreatePodSandBox", NO_RUNTIME, "2026-05-01T12:00:09Z"),
      event("BackOff", "of no account", "2026-05-01T12:00:10Z"),
    )
  );
  assert.deepEqual(await look(), { againMs: 2_500 });
  assert.equal(requests.length, 0, "a pod that has just come is not asked about");
  await clock.advance(2_500);
  const found = await look();
  assert.equal(found?.refusal?.reason, "refused");
  assert.match(found.refusal.message, /no runtime for "runsc" is configured/);
  assert.equal(found.againMs, 1_500);
  const [request] = requests;
  assert.equal(request?.path, "/api/v1/namespaces/ns/events");
  assert.equal(request.query?.["fieldSelector"], "involvedObject.uid=uid-1,type=Warning");
  assert.deepEqual((await look())?.refusal, found.refusal, "in between the last answer holds");
  assert.equal(requests.length, 1);
  await clock.advance(57_500);
  assert.equal((await look())?.againMs, 15_000);
  assert.equal(requests.length, 2);
});

Deno.test("StuckPods asks nothing about pods that wait for a node, or whose container is there", async () => {
  const { clock, look, pod, requests } = start(() => list());
  await clock.advance(10_000);
  assert.equal(await look(pod({ node: "" })), undefined);
  assert.equal(await look(pod({ phase: "Running", state: { running: { startedAt: "" } } })), undefined);
  assert.equal(await look(pod({ state: { waiting: { reason: "ImagePullBackOff" } } })), undefined);
  assert.equal(requests.length, 0);
  assert.equal(
    (await look(pod({ state: { waiting: { reason: "ContainerCreating" } } })))?.refusal,
    undefined,
  );
  assert.equal(requests.length, 1);
});

/** An operator may bring the new agent before its new rights. */
Deno.test("StuckPods goes on without the right to list events, and says so once", async () => {
  const { clock, logs, look } = start(() => {
    throw new Fault("permission_denied", "cannot list events");
  });
  for (let at = 0; at < 3; at++) {
    await clock.advance(10_000);
    assert.equal((await look())?.refusal, undefined);
  }
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", /events of pods cannot be read.*cannot list events/);
});
