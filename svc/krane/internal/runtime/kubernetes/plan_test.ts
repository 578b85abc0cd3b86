import assert from "node:assert/strict";
import { type MovablePod, planMove, type PodState, podsToDelete } from "./plan.ts";

function found(name: string, changes: Partial<PodState> = {}): PodState {
  return {
    name,
    uid: name,
    createdAt: 0,
    current: true,
    running: true,
    finished: false,
    terminating: false,
    ...changes,
  };
}

const OLD = { current: false };
const DOWN = { running: false };

const CASES: readonly {
  name: string;
  replicas: number;
  pods: readonly PodState[];
  want: readonly string[];
}[] = [
  { name: "all is well", replicas: 2, pods: [found("a"), found("b")], want: [] },
  { name: "one outdated at a time", replicas: 2, pods: [found("a", OLD), found("b", OLD)], want: ["a"] },
  {
    name: "the next one waits for its replacement",
    replicas: 2,
    pods: [found("a", { ...OLD, terminating: true, running: false }), found("b", OLD), found("c", DOWN)],
    want: [],
  },
  { name: "then it goes", replicas: 2, pods: [found("b", OLD), found("c")], want: ["b"] },
  {
    name: "outdated that do not run go at once",
    replicas: 2,
    pods: [found("a", { ...OLD, ...DOWN }), found("b", OLD)],
    want: ["a"],
  },
  {
    name: "an ended pod is kept for its reason, once",
    replicas: 1,
    pods: [
      found("a", { ...DOWN, finished: true, createdAt: 1 }),
      found("b", { ...DOWN, finished: true, createdAt: 2 }),
      found("c", DOWN),
    ],
    want: ["a"],
  },
  {
    name: "and goes when all run",
    replicas: 1,
    pods: [found("a", { ...DOWN, finished: true }), found("c")],
    want: ["a"],
  },
  {
    name: "what ends already is left alone",
    replicas: 0,
    pods: [found("a", { ...OLD, terminating: true })],
    want: [],
  },
];

Deno.test("podsToDelete()", async (t) => {
  for (const { name, pods, replicas, want } of CASES) {
    await t.step(name, () => assert.deepEqual(podsToDelete(replicas, pods).map((each) => each.name), want));
  }
});

Deno.test("planMove()", async (t) => {
  const pod = (uid: string, changes: Partial<MovablePod> = {}): MovablePod => ({
    ...{ uid, running: true, finished: false, terminating: false, leaving: false },
    ...changes,
  });
  const leaving = { leaving: true };
  const cases: [name: string, replicas: number, pods: MovablePod[], surge: number, released: string[]][] = [
    ["nothing leaves", 1, [pod("a")], 0, []],
    ["the only pod leaves", 1, [pod("a", leaving)], 1, []],
    ["its replacement starts", 1, [pod("a", leaving), pod("b", { running: false })], 1, []],
    ["its replacement runs", 1, [pod("a", leaving), pod("b")], 0, ["a"]],
    ["it has been evicted meanwhile", 1, [pod("a", { ...leaving, terminating: true }), pod("b")], 0, []],
    ["a pod that does not run needs no other", 1, [pod("a", { ...leaving, running: false })], 0, []],
    ["one of three leaves", 3, [pod("a", leaving), pod("b"), pod("c")], 1, []],
    [
      "two of three leave, one is replaced",
      3,
      [pod("a", leaving), pod("b", leaving), pod("c"), pod("d")],
      2,
      [],
    ],
    [
      "two of three leave, both are replaced",
      3,
      [pod("a", leaving), pod("b", leaving), pod("c"), pod("d"), pod("e")],
      0,
      ["a", "b"],
    ],
    ["nothing is wanted any more", 0, [pod("a", leaving)], 0, ["a"]],
  ];
  for (const [name, replicas, pods, surge, released] of cases) {
    await t.step(name, () => assert.deepEqual(planMove(replicas, pods), { surge, released }));
  }
});
