import assert from "node:assert/strict";
import { Budget } from "./budget.ts";
import { Components, Numbers, same } from "./same.ts";

const VALUES = [
  null,
  true,
  1,
  "1",
  "true",
  "null",
  [],
  {},
  [1],
  ["1"],
  [[1]],
  [1, 2],
  { a: 1 },
  { a: "1" },
  { a: 1, b: [{}] },
  { 'a":1,"b': 1 },
];

Deno.test("values are the same as themselves in another order of names, and as no other value", () => {
  const budget = new Budget();
  const numbers = new Numbers(budget);
  for (const [at, value] of VALUES.entries()) {
    for (const [other, each] of VALUES.entries()) {
      const copy = structuredClone(each);
      assert.equal(same(value, copy, budget), at === other, JSON.stringify([value, copy]));
      assert.equal(numbers.of(value) === numbers.of(copy), at === other, JSON.stringify([value, copy]));
    }
  }
  const [a, b] = [{ x: 1, y: { z: 1, w: 2 } }, { y: { w: 2, z: 1 }, x: 1 }];
  assert.ok(same(a, b, budget));
  assert.equal(numbers.of(a), numbers.of(b));
});

Deno.test("an object is numbered once, however often it is asked for", () => {
  const budget = new Budget();
  const numbers = new Numbers(budget);
  const value = { oneOf: Array.from({ length: 1_000 }, (_, at) => at) };
  numbers.of(value);
  const before = budget.spent;
  numbers.of(value);
  assert.ok(budget.spent - before <= 10);
});

Deno.test("components lead to equal ones only if all that they refer to is equal and known", () => {
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const document = (type: string) => ({
    components: {
      schemas: {
        Same: { properties: { self: reference("Same") } },
        Far: { items: reference("Near") },
        Near: { items: reference("Other") },
        Other: { type },
        Away: { $ref: "pet.yaml" },
        Missing: reference("None"),
        Gone: {},
      },
    },
  });
  const current = document("number");
  const { Gone: _, ...rest } = current.components.schemas;
  const components = new Components(document("string"), { components: { schemas: rest } }, new Budget());
  const names = Object.keys(current.components.schemas);
  assert.deepEqual(names.filter((name) => components.leadsToEqual(`#/components/schemas/${name}`)), ["Same"]);
  assert.deepEqual(names.filter((name) => components.differs("schemas", name)), ["Other", "Gone"]);
});
