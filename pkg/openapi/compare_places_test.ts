import assert from "node:assert/strict";
import type { Node } from "./node.ts";
import { asAnswer, asBody, compared, documentWith, objectOf } from "./testing.ts";

const text = { type: "string" };
const number = { type: "number" };

Deno.test("a schema's changes are listed at four of its places in an operation, for each direction", () => {
  const Pet = (type: string) => ({ components: { schemas: { Pet: objectOf({ a: { type } }) } } });
  const six = objectOf(Object.fromEntries(
    ["a", "b", "c", "d", "e", "f"].map((name) => [name, { $ref: "#/components/schemas/Pet" }]),
  ));
  const operation = { ...asBody(six), ...asAnswer(six) };
  const { changes } = compared(
    documentWith(operation, Pet("string")),
    documentWith(operation, Pet("number")),
  );
  const counts = ["request", "response"].map((each) =>
    changes.filter(({ id }) => id.startsWith(each)).length
  );
  assert.deepEqual(counts, [4, 4]);
  assert.match(changes[0]?.text ?? "", /^the property 'a' of the property 'a' of the body changed its type/);
});

Deno.test("a component that is the same leads to one that is not, also through a circle", () => {
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const schemas = (type: string) => ({
    components: {
      schemas: {
        A: objectOf({ next: reference("B") }),
        B: objectOf({ back: reference("A"), other: reference("C"), same: reference("D") }),
        C: { type },
        D: objectOf({ d: text }),
      },
    },
  });
  const operation = asAnswer(reference("A"));
  const { changes, schemas: counts } = compared(
    documentWith(operation, schemas("string")),
    documentWith(operation, schemas("number")),
  );
  assert.deepEqual(changes.map(({ text }) => text), [
    "the property 'other' of the property 'next' of the response with the status '200' changed its type " +
    "from 'string' to 'number'",
  ]);
  assert.deepEqual(counts, { added: 0, deleted: 0, modified: 1 });
});

Deno.test("texts of a change are short, however long the document's names and values are", () => {
  const long = "x".repeat(100_000);
  const operation = (schema: Node) => ({ ...asBody(objectOf({ [long]: schema })), operationId: long });
  for (
    const [former, current] of [
      [text, { type: long, format: long }],
      [{ enum: [long, { a: long }, 1] }, { enum: [[long], 1] }],
      [{ oneOf: [objectOf({ [long]: text })] }, { oneOf: [objectOf({ [long]: number })] }],
    ] as const
  ) {
    const { changes } = compared(documentWith(operation(former)), documentWith(operation(current)));
    assert.ok(changes.length > 0);
    assert.ok(changes.every((each) => JSON.stringify(each).length < 1_500));
  }
});
