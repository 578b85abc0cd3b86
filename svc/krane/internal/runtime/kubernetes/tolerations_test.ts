import assert from "node:assert/strict";
import type { Toleration } from "./settings.ts";
import { podTolerations, toleration } from "./tolerations.ts";

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const lost = (key: string) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 });

interface Case {
  readonly name: string;
  readonly given: readonly Toleration[];
  /** The taints of lost nodes that the agent's own time is for. */
  readonly added: readonly string[];
}

const CASES: readonly Case[] = [
  { name: "no other tolerations", given: [], added: [NOT_READY, UNREACHABLE] },
  { name: "one of another taint", given: [{ key: "pool" }], added: [NOT_READY, UNREACHABLE] },
  {
    name: "the operator's time for one of the two",
    given: [{ key: NOT_READY, effect: "NoExecute", seconds: 7 }],
    added: [UNREACHABLE],
  },
  {
    name: "the operator's for all effects of both",
    given: [{ key: NOT_READY }, { key: UNREACHABLE }],
    added: [],
  },
  // Kubernetes would add its own of 300 s: this one says nothing about pods that run.
  {
    name: "the operator's for new pods only",
    given: [{ key: UNREACHABLE, effect: "NoSchedule" }],
    added: [NOT_READY, UNREACHABLE],
  },
];

Deno.test("podTolerations() gives pods of lost nodes the agent's time where the operator gives none", async (t) => {
  for (const { name, given, added } of CASES) {
    await t.step(name, () => {
      const made = podTolerations({ nodeLostSeconds: 30, tolerations: given });
      assert.deepEqual(made.slice(0, given.length), given.map(toleration), "the operator's come first");
      assert.deepEqual(made.slice(given.length), added.map(lost));
    });
  }
});

const FORMS: readonly (readonly [given: Toleration, made: object])[] = [
  [{ key: "a" }, { key: "a", operator: "Exists" }],
  [{ key: "a", value: "b" }, { key: "a", operator: "Equal", value: "b" }],
  [{ key: "a", value: "" }, { key: "a", operator: "Equal", value: "" }],
  [{ key: "a", effect: "NoSchedule" }, { key: "a", operator: "Exists", effect: "NoSchedule" }],
  // At once, which is not the same as for ever.
  [
    { key: "a", effect: "NoExecute", seconds: 0 },
    { key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 0 },
  ],
];

Deno.test("toleration() writes what was given and nothing else", async (t) => {
  for (const [given, made] of FORMS) {
    await t.step(JSON.stringify(given), () => assert.deepEqual(toleration(given), made));
  }
});
