import assert from "node:assert/strict";
import { type PodState, podsToDelete } from "./plan.ts";

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
