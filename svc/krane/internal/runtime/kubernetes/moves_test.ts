import assert from "node:assert/strict";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { Moves } from "./moves.ts";
import { isDraining, Node, platformOf } from "./node.ts";
import { Pod } from "./objects.ts";

const WAIT_MS = 10_000;
const APP = { name: "app", replicas: 1 };

function pod(uid: string, nodeName: string, isReady = true): Pod {
  return Pod.parse({
    metadata: { name: uid, uid, resourceVersion: "1" },
    spec: { nodeName, containers: [{ name: "deployment" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      containerStatuses: [{ name: "deployment", state: { running: {} }, ready: isReady }],
    },
  });
}

function moving(): { readonly clock: ManualClock; readonly draining: Set<string>; readonly moves: Moves } {
  const [clock, draining] = [new ManualClock(), new Set<string>()];
  const isDraining = (name: string): boolean => draining.has(name);
  return { clock, draining, moves: new Moves({ isDraining, waitMs: WAIT_MS, clock, log: silentLogger() }) };
}

Deno.test("Moves makes another pod before the one of a draining node goes", () => {
  const { draining, moves } = moving();
  const old = pod("old", "n1");
  assert.deepEqual(moves.of(APP, [old]), { surge: 0, released: [], isRelaxed: false });
  draining.add("n1");
  assert.deepEqual(moves.of(APP, [old]), { surge: 1, released: [], isRelaxed: false, againMs: WAIT_MS });
  assert.equal(moves.of(APP, [old, pod("new", "n2", false)]).surge, 1);
  assert.deepEqual(moves.of(APP, [old, pod("new", "n2")]), { surge: 0, released: [old], isRelaxed: false });
  draining.clear();
  assert.equal(moves.of(APP, [old]).surge, 0, "a node that is taken back");
});

/** Where pods tolerate the taint they would move for ever. */
Deno.test("Moves lets a pod stay that was made while its node drained", () => {
  const { draining, moves } = moving();
  draining.add("n1");
  const old = pod("old", "n1");
  moves.of(APP, [old]);
  assert.deepEqual(moves.of(APP, [old, pod("new", "n1")]).released, [old]);
  assert.deepEqual(moves.of(APP, [pod("new", "n1")]), { surge: 0, released: [], isRelaxed: false });
});

/** A drain must end also where there is no room. */
Deno.test("Moves allows evictions when no other pod came to run in time", async () => {
  const { clock, draining, moves } = moving();
  draining.add("n1");
  const pods = [pod("old", "n1"), pod("new", "", false)];
  assert.equal(moves.of(APP, pods.slice(0, 1)).surge, 1);
  await clock.advance(WAIT_MS - 1);
  assert.deepEqual([moves.of(APP, pods).surge, moves.of(APP, pods).againMs], [1, 1]);
  await clock.advance(1);
  assert.deepEqual(moves.of(APP, pods), { surge: 0, released: [], isRelaxed: true });
  draining.clear();
  assert.equal(moves.of(APP, pods).isRelaxed, false, "it counts anew for the next drain");
});

Deno.test("isDraining() sees cordons, deletions and the taints of autoscalers", () => {
  const node = (spec: object, metadata = {}): Node =>
    Node.parse({ metadata: { name: "n", uid: "u", resourceVersion: "1", ...metadata }, spec });
  const taints = (key: string): object => ({ taints: [{ key, effect: "NoSchedule" }] });
  assert.equal(isDraining(node({}), ["drain"]), false);
  assert.equal(isDraining(node(taints("pool")), ["drain"]), false);
  assert.equal(isDraining(node(taints("drain")), ["drain"]), true);
  assert.equal(isDraining(node({ unschedulable: true }), []), true);
  assert.equal(isDraining(node({}, { deletionTimestamp: "2026-01-01T00:00:00Z" }), []), true);
  const known = { ...node({}), status: { nodeInfo: { operatingSystem: "linux", architecture: "amd64" } } };
  assert.deepEqual([platformOf(known), platformOf(node({}))], ["linux/amd64", undefined]);
});
