import assert from "node:assert/strict";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { Moves } from "./moves.ts";
import { Pod } from "./objects.ts";

const WAIT_MS = 10_000;
const APP = { name: "app", replicas: 3 };

type Kind = "running" | "starting" | "failed" | "terminating";

function pod(uid: string, nodeName: string, kind: Kind = "running"): Pod {
  const isReady = kind === "running" || kind === "terminating";
  return Pod.parse({
    metadata: {
      ...{ name: uid, uid, resourceVersion: "1" },
      ...(kind === "terminating" ? { deletionTimestamp: "2026-05-01T12:00:00Z" } : {}),
    },
    spec: { nodeName, containers: [{ name: "deployment" }] },
    status: {
      phase: kind === "failed" ? "Failed" : "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      containerStatuses: [{ name: "deployment", state: { running: {} }, ready: isReady }],
    },
  });
}

function moving(...nodes: readonly string[]) {
  const [clock, draining, logs] = [new ManualClock(), new Set(nodes), new Array<string>()];
  const moves = new Moves({
    isDraining: (name) => draining.has(name),
    waitMs: WAIT_MS,
    clock,
    log: createLogger({ service: "test", level: "info", write: (line) => logs.push(line) }),
  });
  return { clock, draining, logs, moves };
}

interface Case {
  readonly name: string;
  readonly pods: readonly Pod[];
  readonly surge: number;
}

const STAYS = [pod("b", "n2"), pod("c", "n3")];
const CASES: readonly Case[] = [
  { name: "one of three goes", pods: [pod("a", "n1"), ...STAYS], surge: 1 },
  { name: "all of them go", pods: [pod("a", "n1"), pod("b", "n1"), pod("c", "n1")], surge: 3 },
  { name: "two nodes drain at once", pods: [pod("a", "n1"), pod("b", "n9"), pod("c", "n3")], surge: 2 },
  { name: "one that starts needs no other", pods: [pod("a", "n1", "starting"), ...STAYS], surge: 0 },
  { name: "one that has ended is made again anyway", pods: [pod("a", "n1", "failed"), ...STAYS], surge: 0 },
  {
    name: "one that goes already is made again anyway",
    pods: [pod("a", "n1", "terminating"), ...STAYS],
    surge: 0,
  },
  { name: "a pod without a node is on none that drains", pods: [pod("a", ""), ...STAYS], surge: 0 },
];

Deno.test("Moves makes as many pods beside those that are wanted as run on draining nodes", async (t) => {
  for (const { name, pods, surge } of CASES) {
    await t.step(name, () => {
      const { moves } = moving("n1", "n9", "");
      const state = moves.of(APP, pods);
      assert.deepEqual([state.surge, state.released, state.isRelaxed], [surge, [], false]);
      assert.equal(state.againMs, surge > 0 ? WAIT_MS : undefined, "it is looked at again only if it moves");
    });
  }
});

Deno.test("Moves releases the pods of a node together, when as many run elsewhere as are wanted", () => {
  const { moves } = moving("n1");
  const [a, b, c] = [pod("a", "n1"), pod("b", "n1"), pod("c", "n2")];
  assert.equal(moves.of(APP, [a, b, c]).surge, 2);
  const half = moves.of(APP, [a, b, c, pod("d", "n2"), pod("e", "n3", "starting")]);
  assert.deepEqual([half.surge, half.released], [2, []]);
  const whole = moves.of(APP, [a, b, c, pod("d", "n2"), pod("e", "n3")]);
  assert.deepEqual([whole.surge, whole.released], [0, [a, b]]);
});

/** The pods that were there when the second node began to drain are those that leave it. */
Deno.test("Moves remembers for each node which pods were there when it began to drain", () => {
  const { draining, logs, moves } = moving("n1");
  const app = { ...APP, replicas: 1 };
  const [old, next] = [pod("old", "n1"), pod("next", "n2")];
  moves.of(app, [old]);
  assert.deepEqual(moves.of(app, [old, next]).released, [old]);
  draining.add("n2");
  const state = moves.of(app, [old, next]);
  assert.deepEqual([state.surge, state.released], [1, []], "the one in place leaves, too");
  assert.equal(logs.filter((line) => line.includes("node drains")).length, 2, "each node is logged once");
});

Deno.test("Moves counts one time for all nodes of an app, and each app for itself", async () => {
  const { clock, draining, logs, moves } = moving("n1");
  const pods = [pod("a", "n1"), pod("b", "n2"), pod("c", "n3")];
  moves.of(APP, pods);
  await clock.advance(6_000);
  draining.add("n2");
  assert.equal(moves.of(APP, pods).againMs, 4_000, "another node gives no more time");
  assert.equal(moves.of({ ...APP, name: "other" }, pods).againMs, WAIT_MS);
  await clock.advance(4_000);
  assert.deepEqual(moves.of(APP, pods), { surge: 0, released: [], isRelaxed: true });
  assert.equal(moves.of(APP, pods).isRelaxed, true);
  assert.equal(logs.filter((line) => line.includes("evictions are allowed")).length, 1, "logged once");
  assert.equal(moves.of({ ...APP, name: "other" }, pods).isRelaxed, false);
  moves.forget("app");
  assert.equal(moves.of(APP, pods).againMs, WAIT_MS, "a new deployment of the name has its own time");
});
