import assert from "node:assert/strict";
import type { Node } from "./node.ts";
import { asAnswer, asBody, asParameters, compared, documentWith, objectOf } from "./testing.ts";

type Case = readonly [name: string, former: Node, current: Node, changes: readonly string[]];

const text = { type: "string" };
const number = { type: "number" };
const integer = { type: "integer" };
const query = (name: string, more: Node = {}) => ({ name, in: "query", schema: text, ...more });
const answers = (...statuses: readonly number[]) => ({
  responses: Object.fromEntries(statuses.map((status) => [status, { description: "x" }])),
});
const body = (requestBody: Node) => ({ requestBody, ...answers(200) });
const json = (schema: unknown) => ({ content: { "application/json": { schema } } });
const xml = (schema: unknown) => ({ content: { "application/xml": { schema } } });

/** `level id` of each change, for two forms of an operation. */
const OPERATIONS: readonly Case[] = [
  ["nothing", asBody(text), asBody(text), []],
  ["a parameter goes", asParameters(query("a")), asParameters(), ["2 request-parameter-removed"]],
  ["a required parameter comes", asParameters(), asParameters(query("a", { required: true })), [
    "3 new-required-request-parameter",
  ]],
  ["an optional parameter comes", asParameters(), asParameters(query("a")), [
    "1 new-optional-request-parameter",
  ]],
  ["a parameter is required now", asParameters(query("a")), asParameters(query("a", { required: true })), [
    "3 request-parameter-became-required",
  ]],
  ["a parameter is optional now", asParameters(query("a", { required: true })), asParameters(query("a")), [
    "1 request-parameter-became-optional",
  ]],
  ["a parameter moves", asParameters(query("a")), asParameters(query("a", { in: "header" })), [
    "2 request-parameter-removed",
    "1 new-optional-request-parameter",
  ]],
  [
    "a header is spelled otherwise",
    asParameters(query("A", { in: "header" })),
    asParameters(
      query("a", { in: "header" }),
    ),
    [],
  ],
  ["a parameter is narrower", asParameters(query("a")), asParameters(query("a", { schema: integer })), [
    "3 request-parameter-type-changed",
  ]],
  ["a body comes", answers(200), body(json(text)), ["1 request-body-added-optional"]],
  ["a required body comes", answers(200), body({ required: true, ...json(text) }), [
    "3 request-body-added-required",
  ]],
  ["a body goes", body(json(text)), answers(200), ["2 request-body-removed"]],
  ["a body is required now", body(json(text)), body({ required: true, ...json(text) }), [
    "3 request-body-became-required",
  ]],
  ["a media type of a body is another", body(json(text)), body(xml(text)), [
    "3 request-body-media-type-removed",
    "1 request-body-media-type-added",
  ]],
  ["a success goes", answers(200, 201), answers(200), ["3 response-success-status-removed"]],
  ["a failure goes", answers(200, 404), answers(200), ["1 response-non-success-status-removed"]],
  ["statuses come", answers(200), answers(200, 201, 404), [
    "1 response-success-status-added",
    "1 response-non-success-status-added",
  ]],
  ["a media type of an answer is another", { responses: { 200: json(text) } }, {
    responses: { 200: xml(text) },
  }, [
    "3 response-media-type-removed",
    "1 response-media-type-added",
  ]],
  ["credentials are needed now", answers(200), { ...answers(200), security: [{ key: [] }] }, [
    "3 api-security-added",
  ]],
  ["credentials are optional", answers(200), { ...answers(200), security: [{ key: [] }, {}] }, []],
  ["credentials are needed no more", { ...answers(200), security: [{ key: [] }] }, answers(200), [
    "1 api-security-removed",
  ]],
];

/** The changes of the same two schemas, where clients write them and where they read them. */
const SCHEMAS: readonly (readonly [string, unknown, unknown, readonly string[], readonly string[]])[] = [
  ["other type", text, number, ["3 request-body-type-changed"], ["3 response-body-type-changed"]],
  ["wider type", integer, number, ["1 request-body-type-generalized"], ["3 response-body-type-changed"]],
  ["narrower type", number, integer, ["3 request-body-type-changed"], ["1 response-body-type-specialized"]],
  ["any type", text, {}, ["1 request-body-type-generalized"], ["3 response-body-type-changed"]],
  ["one of two types", { type: ["string", "number"] }, text, ["3 request-body-type-changed"], [
    "1 response-body-type-specialized",
  ]],
  ["a format comes", text, { ...text, format: "email" }, ["3 request-body-type-changed"], [
    "1 response-body-type-specialized",
  ]],
  ["a format goes", { ...text, format: "email" }, text, ["1 request-body-type-generalized"], [
    "3 response-body-type-changed",
  ]],
  ["null in 3.0", text, { ...text, nullable: true }, ["1 request-body-became-nullable"], [
    "3 response-body-became-nullable",
  ]],
  ["null no more in 3.1", { type: ["string", "null"] }, text, ["3 request-body-became-not-nullable"], [
    "1 response-body-became-not-nullable",
  ]],
  ["null of 3.0 and of 3.1", { ...text, nullable: true }, { type: ["string", "null"] }, [], []],
  ["a value goes", { enum: ["a", "b"] }, { enum: ["a"] }, ["3 request-body-enum-value-removed"], [
    "1 response-body-enum-value-removed",
  ]],
  ["a value comes", { enum: ["a"] }, { enum: ["a", "b"] }, ["1 request-body-enum-value-added"], [
    "2 response-body-enum-value-added",
  ]],
  ["only some values", text, { ...text, enum: ["a"] }, ["3 request-body-became-enum"], [
    "1 response-body-became-enum",
  ]],
  ["a constant is a value", { enum: ["a"] }, { const: "a" }, [], []],
  ["all values", { ...text, const: "a" }, text, ["1 request-body-became-not-enum"], [
    "2 response-body-became-not-enum",
  ]],
  ["less room", { maxLength: 9 }, { maxLength: 8 }, ["3 request-body-max-length-decreased"], [
    "1 response-body-max-length-decreased",
  ]],
  ["more room", { maximum: 8 }, { maximum: 9 }, ["1 request-body-max-increased"], [
    "3 response-body-max-increased",
  ]],
  ["a bound comes", {}, { minItems: 1 }, ["3 request-body-min-items-set"], ["1 response-body-min-items-set"]],
  ["a bound goes", { minimum: 1 }, {}, ["1 request-body-min-removed"], ["3 response-body-min-removed"]],
  ["a bound is exclusive", { minimum: 1 }, { exclusiveMinimum: 1 }, ["3 request-body-min-increased"], [
    "1 response-body-min-increased",
  ]],
  ["exclusive in 3.0 and 3.1", { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }, [], []],
  ["a pattern comes", text, { ...text, pattern: "^a" }, ["2 request-body-pattern-added"], [
    "1 response-body-pattern-added",
  ]],
  ["further properties are refused", objectOf({}), { ...objectOf({}), additionalProperties: false }, [
    "3 request-body-additional-properties-refused",
  ], []],
  [
    "a required property comes",
    objectOf({}),
    objectOf({ a: text }, "a"),
    ["3 new-required-request-property"],
    [
      "1 response-required-property-added",
    ],
  ],
  [
    "a required property with a default comes",
    objectOf({}),
    objectOf({ a: { ...text, default: "x" } }, "a"),
    [
      "1 new-required-request-property",
    ],
    ["1 response-required-property-added"],
  ],
  ["an optional property comes", objectOf({}), objectOf({ a: text }), ["1 new-optional-request-property"], [
    "1 response-optional-property-added",
  ]],
  ["a required property goes", objectOf({ a: text }, "a"), objectOf({}), ["2 request-property-removed"], [
    "3 response-required-property-removed",
  ]],
  ["an optional property goes", objectOf({ a: text }), objectOf({}), ["2 request-property-removed"], [
    "2 response-optional-property-removed",
  ]],
  [
    "a property that is refused goes",
    { ...objectOf({ a: text }), additionalProperties: false },
    {
      ...objectOf({}),
      additionalProperties: false,
    },
    ["3 request-property-removed"],
    ["2 response-optional-property-removed"],
  ],
  ["a property is required now", objectOf({ a: text }), objectOf({ a: text }, "a"), [
    "3 request-property-became-required",
  ], ["1 response-property-became-required"]],
  ["a property is optional now", objectOf({ a: text }, "a"), objectOf({ a: text }), [
    "1 request-property-became-optional",
  ], ["3 response-property-became-optional"]],
  ["a property that only answers have", objectOf({}), objectOf({ a: { ...text, readOnly: true } }, "a"), [], [
    "1 response-required-property-added",
  ]],
  ["a property of another type", objectOf({ a: text }), objectOf({ a: number }), [
    "3 request-property-type-changed",
  ], [
    "3 response-property-type-changed",
  ]],
  ["an item of another type", { type: "array", items: text }, { type: "array", items: number }, [
    "3 request-body-type-changed",
  ], ["3 response-body-type-changed"]],
  ["a value of another type", { additionalProperties: text }, { additionalProperties: number }, [
    "3 request-body-type-changed",
  ], ["3 response-body-type-changed"]],
  ["an alternative comes", { oneOf: [text, number] }, { oneOf: [text, number, { type: "boolean" }] }, [
    "1 request-body-one-of-added",
  ], ["3 response-body-one-of-added"]],
  ["an alternative goes", { anyOf: [text, number, { type: "boolean" }] }, { anyOf: [text, number] }, [
    "3 request-body-any-of-removed",
  ], ["1 response-body-any-of-removed"]],
  ["an alternative is another", { oneOf: [text, objectOf({ a: text })] }, {
    oneOf: [text, objectOf({ a: number })],
  }, [
    "3 request-property-type-changed",
  ], ["3 response-property-type-changed"]],
  [
    "parts that make the same whole",
    { allOf: [objectOf({ a: text }, "a"), objectOf({ b: text })] },
    objectOf(
      { a: text, b: text },
      "a",
    ),
    ["1 request-body-type-specialized"].slice(1),
    [],
  ],
  ["a part with another property", { allOf: [objectOf({ a: text })] }, { allOf: [objectOf({ a: number })] }, [
    "3 request-property-type-changed",
  ], ["3 response-property-type-changed"]],
];

function found(former: Node, current: Node): readonly string[] {
  return compared(documentWith(former), documentWith(current)).changes
    .map(({ level, id }) => `${level} ${id}`);
}

Deno.test("changes of an operation have their ids and levels", async (t) => {
  for (const [name, former, current, changes] of OPERATIONS) {
    await t.step(name, () => assert.deepEqual(found(former, current), changes));
  }
});

Deno.test("a change of a schema breaks the clients that write it, or those that read it", async (t) => {
  for (const [name, former, current, written, read] of SCHEMAS) {
    await t.step(`${name}: request`, () => assert.deepEqual(found(asBody(former), asBody(current)), written));
    await t.step(
      `${name}: response`,
      () => assert.deepEqual(found(asAnswer(former), asAnswer(current)), read),
    );
  }
});

Deno.test("operations and paths are counted, and a new name of a path's parameter is no change", () => {
  const get = { ...answers(200), operationId: "list" };
  const path = (name: string) => ({ parameters: [{ name, in: "path", required: true, schema: text }], get });
  const paths = (value: Node): Node => ({ openapi: "3.1.0", paths: value });
  const former = paths({ "/pets/{id}": path("id"), "/old": { get, post: get }, "/some": { get, post: get } });
  const current = paths({ "/pets/{pet}": path("pet"), "/new": { get }, "/some": { get } });
  const { changes, breaking, endpoints, paths: counted } = compared(former, current);
  assert.deepEqual(changes.map(({ id, operation, path: at }) => [id, operation, at]), [
    ["api-path-removed-without-deprecation", "GET", "/old"],
    ["api-path-removed-without-deprecation", "POST", "/old"],
    ["api-removed-without-deprecation", "POST", "/some"],
    ["endpoint-added", "GET", "/new"],
  ]);
  assert.deepEqual([breaking, endpoints, counted], [true, { added: 1, deleted: 3, modified: 0 }, {
    added: 1,
    deleted: 1,
    modified: 1,
  }]);
  assert.equal(changes[0]?.operationId, "list");
});

Deno.test("references inside of the document are followed, and none that lead out of it", () => {
  const components = (schema: Node) => ({ components: { schemas: { Pet: schema } } });
  const byReference = asBody({ $ref: "#/components/schemas/Pet" });
  const former = documentWith(byReference, components(objectOf({ a: text })));
  const current = documentWith(byReference, components(objectOf({ a: number })));
  const comparison = compared(former, current);
  assert.deepEqual(comparison.changes.map(({ id }) => id), ["request-property-type-changed"]);
  assert.deepEqual([comparison.schemas, comparison.differs], [{ added: 0, deleted: 0, modified: 1 }, true]);
  for (const outside of ["https://example.com/pet.json", "file:///etc/passwd", "../pet.yaml", "#/no/such"]) {
    assert.deepEqual(found(asBody({ $ref: outside }), asBody({ $ref: outside })), []);
  }
});

Deno.test("schemas that hold themselves or each other are compared once", () => {
  const self = (type: string) => ({
    components: {
      schemas: {
        Tree: objectOf({ value: { type }, next: { $ref: "#/components/schemas/Tree" } }),
        Loop: { $ref: "#/components/schemas/Loop" },
        Parts: { allOf: [{ $ref: "#/components/schemas/Parts" }] },
      },
    },
  });
  for (const name of ["Tree", "Loop", "Parts"]) {
    const operation = asAnswer({ $ref: `#/components/schemas/${name}` });
    const { changes } = compared(
      documentWith(operation, self("string")),
      documentWith(operation, self("number")),
    );
    assert.deepEqual(changes.map(({ id }) => id), name === "Tree" ? ["response-property-type-changed"] : []);
  }
});

Deno.test("a document of an invalid form has no changes when it is compared with itself", () => {
  const strange = { openapi: "3.0.0", paths: { "/a": { get: null, post: [] }, "/b": 7 }, components: [] };
  const { differs, changes, breaking } = compared(strange, structuredClone(strange));
  assert.deepEqual([differs, changes, breaking], [false, [], false]);
});
