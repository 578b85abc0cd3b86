import assert from "node:assert/strict";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { ANNOTATION } from "./labels.ts";
import { ReplicaSet } from "./objects.ts";
import { RefusedSets } from "./refused_sets.ts";

function set(refused: boolean): ReplicaSet {
  const condition = {
    type: "ReplicaFailure",
    status: "True",
    message: "exceeded quota: q, requested: pods=1",
  };
  return ReplicaSet.parse({
    metadata: { name: "a", namespace: "ns", uid: "u", resourceVersion: "1" },
    spec: { replicas: 1 },
    status: { conditions: refused ? [condition] : [] },
  });
}

function start() {
  const touches: ApiRequest[] = [];
  const cluster: Cluster = {
    server: "test",
    call(request) {
      touches.push(request);
      return Promise.resolve(Response.json({ metadata: { name: "a", uid: "u", resourceVersion: "2" } }));
    },
    close: () => undefined,
  };
  const clock = new ManualClock();
  const sets = new RefusedSets({ cluster, clock, log: silentLogger() });
  return {
    clock,
    sets,
    touches,
    look: (refused: boolean) => sets.of(set(refused), new AbortController().signal),
  };
}

Deno.test("RefusedSets has Kubernetes try again ever later, up to each half minute", async () => {
  const { clock, look, touches } = start();
  const waits: number[] = [];
  for (let at = 0; at < 7; at++) {
    const found = await look(true);
    assert.equal(found?.refusal.reason, "quota");
    waits.push(found.againMs);
    await clock.advance(found.againMs);
  }
  assert.deepEqual(waits, [4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  assert.equal(touches.length, 6);
  const [{ body } = { body: undefined }] = touches;
  assert.match(JSON.stringify(body), new RegExp(`"uid":"u".*"${ANNOTATION.retriedAt}":"`));
  assert.equal(await look(false), undefined);
  assert.equal((await look(true))?.againMs, 4_000, "a new refusal begins anew");
});

Deno.test("RefusedSets has Kubernetes try again soon after a pod of the namespace is gone", async () => {
  const { clock, look, sets, touches } = start();
  await look(true);
  await clock.advance(4_000);
  await look(true);
  assert.deepEqual(sets.madeRoom("other"), []);
  assert.deepEqual(sets.madeRoom("ns"), ["a"]);
  assert.deepEqual(sets.madeRoom("ns"), [], "once for many pods");
  const found = await look(true);
  assert.equal(found?.againMs, 1_500);
  await clock.advance(1_500);
  await look(true);
  assert.equal(touches.length, 2);
});
