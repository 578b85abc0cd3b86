import assert from "node:assert/strict";
import { z } from "zod";
import { disruptionBudget } from "./disruption_budget.ts";
import { selector } from "./replica_set.ts";
import { DESIRED, settings } from "./testing_manifests.ts";

const Budget = z.object({
  spec: z.object({
    minAvailable: z.number(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
  }),
});

function budget(evictions: string, replicas: number, isRelaxed = false) {
  const made = disruptionBudget({ ...DESIRED, replicas }, { uid: "u" }, {
    isRelaxed,
    settings: settings({ evictions }),
  });
  return Budget.parse(made).spec;
}

Deno.test("disruptionBudget() keeps the only pod where it is replaced first, and all but one of several", () => {
  const kept = (evictions: string) => [1, 2, 5, 0].map((count) => budget(evictions, count).minAvailable);
  assert.deepEqual(kept("replace"), [1, 1, 4, 0]);
  assert.deepEqual(kept("allow"), [0, 1, 4, 0]);
  assert.equal(budget("replace", 3, true).minAvailable, 0);
});

/** Kubernetes refuses each eviction of a pod that two budgets match. */
Deno.test("disruptionBudget() matches no pod where the operator's own budgets decide", () => {
  const pods = selector(DESIRED, settings({}));
  assert.deepEqual(budget("replace", 1).selector.matchLabels, pods);
  const { matchLabels } = budget("none", 3).selector;
  const matches = Object.entries(matchLabels).every(([name, value]) => pods[name] === value);
  assert.deepEqual([matches, budget("none", 3).minAvailable], [false, 0]);
});
