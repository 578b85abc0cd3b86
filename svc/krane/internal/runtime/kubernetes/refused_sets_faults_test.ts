import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { ReplicaSet } from "./objects.ts";
import { RefusedSets } from "./refused_sets.ts";

interface Shape {
  readonly name?: string;
  readonly uid?: string;
  readonly status?: string;
  readonly message?: string;
}

function set(
  { name = "a", uid = "u", status = "True", message = "exceeded quota: q" }: Shape = {},
): ReplicaSet {
  return ReplicaSet.parse({
    metadata: { name, namespace: "ns", uid, resourceVersion: "1" },
    spec: { replicas: 1 },
    status: { conditions: [{ type: "Other", status: "True" }, { type: "ReplicaFailure", status, message }] },
  });
}

function start(answer: (request: ApiRequest) => unknown = () => ({})) {
  const [clock, logs, touches] = [new ManualClock(), new Array<string>(), new Array<ApiRequest>()];
  const cluster: Cluster = {
    server: "test",
    call(request) {
      touches.push(request);
      const metadata = { name: "a", uid: "u", resourceVersion: "2" };
      return Promise.resolve(request).then(answer).then(() => Response.json({ metadata }));
    },
    close: () => undefined,
  };
  const log = createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) });
  const sets = new RefusedSets({ cluster, clock, log });
  const stop = new AbortController();
  const look = (shape?: Shape) => sets.of(set(shape), stop.signal);
  return { clock, logs, look, sets, stop, touches };
}

Deno.test("RefusedSets is about refusals that hold now", async () => {
  const { look } = start();
  assert.equal(await look({ status: "False" }), undefined);
  assert.equal(await look({ status: "Unknown" }), undefined);
  assert.equal((await look())?.refusal.reason, "quota");
});

/** The waits of a set that is gone must not hold up the one that follows it. */
Deno.test("RefusedSets begins anew with another set of the same name", async () => {
  const { clock, look, touches } = start();
  assert.equal((await look())?.againMs, 4_000);
  await clock.advance(4_000);
  assert.equal((await look())?.againMs, 8_000);
  assert.equal((await look({ uid: "next" }))?.againMs, 4_000);
  assert.equal(touches.length, 1, "the next one has not waited yet");
});

Deno.test("RefusedSets keeps sets apart, and forgets those that are gone", async () => {
  const { clock, look, sets, touches } = start();
  await look();
  await clock.advance(2_000);
  assert.equal((await look({ name: "b", uid: "v" }))?.againMs, 4_000);
  assert.equal((await look())?.againMs, 2_000);
  assert.deepEqual(sets.madeRoom("ns"), ["a", "b"]);
  sets.forget("a");
  await clock.advance(1_500);
  await look({ name: "b", uid: "v" });
  assert.equal(touches.length, 1);
  assert.match(touches[0]?.path ?? "", /\/namespaces\/ns\/replicasets\/b$/);
  assert.equal((await look())?.againMs, 4_000);
});

Deno.test("RefusedSets does not put off a try that comes soon anyway", async () => {
  const { clock, look, sets } = start();
  await look();
  await clock.advance(3_000);
  assert.deepEqual(sets.madeRoom("ns"), []);
  assert.equal((await look())?.againMs, 1_000);
});

Deno.test("RefusedSets tells what Kubernetes says now, between its tries, too", async () => {
  const { look, touches } = start();
  await look();
  const found = await look({
    message: 'pods "a-1" is forbidden: violates PodSecurity "restricted:latest": x',
  });
  assert.equal(found?.refusal.reason, "refused");
  assert.match(found.refusal.message, /violates PodSecurity/);
  assert.equal(touches.length, 0);
});

/** Kubernetes tries by itself: a try that fails is no reason to stop the agent. */
Deno.test("RefusedSets goes on when a try fails, and later again", async () => {
  const { clock, logs, look, touches } = start(() => {
    throw new Fault("permission_denied", "cannot patch replicasets");
  });
  await look();
  await clock.advance(4_000);
  const found = await look();
  assert.deepEqual([found?.refusal.reason, found?.againMs], ["quota", 8_000]);
  assert.match(logs.join(), /refused set not touched.*cannot patch replicasets/);
  await clock.advance(8_000);
  await look();
  assert.equal(touches.length, 2);
});

Deno.test("RefusedSets ends with the agent", async () => {
  const stopped = start(() => {
    stopped.stop.abort(new Error("enough"));
    throw new Fault("unavailable", "cut off");
  });
  await stopped.look();
  await stopped.clock.advance(4_000);
  await assert.rejects(stopped.look(), /enough/);
});
