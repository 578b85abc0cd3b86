import assert from "node:assert/strict";
import { Budget, BudgetSpent, unitsOfText, WORK_MAX } from "./budget.ts";
import { compareDocuments } from "./compare.ts";
import { readDocument } from "./read.ts";
import { asAnswer, documentWith, objectOf } from "./testing.ts";
import { worstPairs } from "./testing_worst.ts";

Deno.test("a budget ends the work beyond its bound, and counts long texts as more than short ones", () => {
  const budget = new Budget(10);
  budget.spend(10);
  assert.equal(budget.spent, 10);
  assert.throws(() => budget.spend(1), BudgetSpent);
  assert.deepEqual(["", "x".repeat(255), "x".repeat(256), "x".repeat(2_560)].map(unitsOfText), [1, 1, 2, 11]);
});

/** The step that goes beyond the bound is the last; the largest one is that of an object of a whole document. */
const STEP_MAX = 1_000_000;

Deno.test("the most expensive documents are read, and their comparison ends at its bound", async (t) => {
  const tooLarge: string[] = [];
  for (const { name, former, current } of worstPairs()) {
    await t.step(name, async () => {
      const read = await readDocument(new TextEncoder().encode(JSON.stringify(former)));
      assert.equal(read.kind, "document");
      const budget = new Budget();
      const end = compareDocuments(former, current, budget);
      assert.ok(budget.spent <= WORK_MAX + STEP_MAX, `${budget.spent} units`);
      if (end.kind === "compared") assert.ok(JSON.stringify(end).length < 2_000_000);
      else tooLarge.push(name);
    });
  }
  assert.deepEqual(tooLarge, [
    "a chain of parts",
    "paths that share parameters",
    "paths that share long texts",
    "paths that share ways in",
    "many media types",
    "long references",
    "a wide lattice",
    "paths that share properties",
    "paths that share values",
    "paths that share a long value",
    "other paths",
    "other operations",
    "other properties",
  ]);
});

Deno.test("parts that refer to one another cost as much as they are, not as the ways through them", () => {
  const cost = (count: number): number => {
    const budget = new Budget();
    const A = { allOf: Array.from({ length: count }, () => ({ $ref: "#/components/schemas/A" })) };
    const document = documentWith(asAnswer({ $ref: "#/components/schemas/A" }), {
      components: { schemas: { A } },
    });
    const changed = { ...document, components: { schemas: { A: { ...A, type: "string" } } } };
    assert.equal(compareDocuments(document, changed, budget).kind, "compared");
    return budget.spent;
  };
  assert.ok(cost(300) < 10 * cost(30), `${cost(30)} and ${cost(300)} units`);
});

Deno.test("a comparison beyond its budget says so instead of a part of the changes", () => {
  const [former, current] = ["string", "number"].map((type) =>
    documentWith(asAnswer(objectOf({ a: { type } })))
  );
  assert.ok(former !== undefined && current !== undefined);
  const end = compareDocuments(former, current, new Budget(100));
  assert.ok(end.kind === "too_large");
  assert.match(end.problem, /^too large to compare: /);
});
