/** The most expensive documents that are known. Each is one that is read: at most 1 MiB, and within the other bounds. */
import type { Node } from "./node.ts";
import { DOCUMENT_BYTES_MAX } from "./read.ts";
import { asAnswer, asBody, documentWith } from "./testing.ts";

const WHOLE = DOCUMENT_BYTES_MAX - 1_000;
const HALF = DOCUMENT_BYTES_MAX / 2 - 5_000;
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/** Repeats entries until their JSON is nearly as long as this. */
function fill<T>(entry: (at: number) => T, bytes = WHOLE): readonly T[] {
  const found: T[] = [];
  for (let length = 0; length < bytes;) {
    const next = entry(found.length);
    length += JSON.stringify(next).length + 1;
    found.push(next);
  }
  return found.slice(0, -1);
}

/** An object of as many entries. */
function filled(entry: (at: number) => readonly [string, unknown], bytes = WHOLE): Node {
  return Object.fromEntries(fill(entry, bytes));
}

const reference = (at: number): Node => ({ $ref: `#/components/schemas/A${at}` });

/** One operation that answers with the schema `A0`. */
function withSchemas(schemas: Node, operation: Node = asAnswer(reference(0))): Node {
  return documentWith(operation, { components: { schemas } });
}

function parts(count: number, of: Node): Node {
  return { allOf: Array.from({ length: count }, () => of) };
}

/** Each schema has the next one in many properties: the ways through them are without number. */
function lattice(levels: number, width: number, leaf: string): Node {
  const level = (at: number): Node => ({
    properties: Object.fromEntries(
      Array.from({ length: width }, (_, each) => [`p${each}`, reference(at + 1)]),
    ),
  });
  const all = Array.from({ length: levels }, (_, at) => [`A${at}`, level(at)] as const);
  return withSchemas({ ...Object.fromEntries(all), [`A${levels}`]: { type: leaf } });
}

/** As many paths as fit, which all are the same item. */
function shared(item: Node, more: Node = {}): Node {
  return { openapi: "3.1.0", paths: filled((at) => [`/${at}`, { $ref: "#/x" }], HALF), x: item, ...more };
}

function everyMethod(operation: Node): Node {
  return Object.fromEntries(METHODS.map((method) => [method, operation]));
}

/** The schema is in each of the eight operations. */
function sharedBody(schema: Node): Node {
  return shared(everyMethod(asBody(schema)));
}

const EACH = HALF / 9;
const withComponents = (schemas: Node): Node => ({ openapi: "3.1.0", components: { schemas } });
const longText = "x".repeat(EACH);

/** Documents that are compared with a copy of themselves. */
const SAME: readonly (readonly [name: string, document: () => Node])[] = [
  ["a schema that is thirty of its own parts", () => withSchemas({ A0: parts(30, reference(0)) })],
  ["parts of parts, thirty each", () =>
    withSchemas(Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`A${at}`, parts(30, reference(at + 1))]),
    ))],
  ["a chain of parts", () => withSchemas(filled((at) => [`A${at}`, parts(1, reference(at + 1))]))],
  [
    "paths that share parameters",
    () => shared({ ...everyMethod({}), parameters: fill((at) => ({ name: `${at}`, in: "path" }), HALF) }),
  ],
  ["paths that share long texts", () => sharedBody({ pattern: longText })],
  ["paths that share ways in", () => shared(everyMethod({}), { security: fill(() => ({ a: [] }), HALF) })],
  ["many alternatives", () =>
    withSchemas(
      {
        A0: { oneOf: fill((at) => ({ maxLength: at }), HALF) },
        B: { anyOf: fill(() => reference(0), HALF) },
      },
      asAnswer({ $ref: "#/components/schemas/B" }),
    )],
  ["many values", () => ({ openapi: "3.1.0", x: fill((at) => at % 10).slice(0, 199_000) })],
  ["many components", () => withComponents(filled((at) => [`${at}`, { a: 1 }]))],
  [
    "many media types",
    () => documentWith({ responses: { 200: { content: filled((at) => [`a/${at}`, { schema: {} }]) } } }),
  ],
  [
    "components that use one another",
    () => withSchemas(filled((at) => [`A${at}`, { x: [reference(0), reference(at + 1)] }])),
  ],
  ["long references", () =>
    withSchemas({
      A0: { properties: filled((at) => [`p${at}`, { $ref: `#/${"a/".repeat(500)}${at}` }]) },
    })],
];

/** Documents by a text that differs between the two. */
const OTHERS: readonly (readonly [name: string, document: (text: string) => Node])[] = [
  ["a lattice of schemas", (text) => lattice(40, 30, text)],
  ["a wide lattice", (text) => lattice(8, 2_000, text)],
  [
    "paths that share properties",
    (text) => sharedBody({ properties: filled((at) => [`p${at}`, { type: text }], EACH) }),
  ],
  ["paths that share values", (text) => sharedBody({ enum: fill((at) => `${text}${at}`, EACH) })],
  ["paths that share a long value", (text) => sharedBody({ enum: [longText + text] })],
  ["other components", (text) => withComponents(filled((at) => [`${text}${at}`, {}]))],
  ["other paths", (text) => ({ openapi: "3.1.0", paths: filled((at) => [`/${text}${at}`, {}]) })],
  ["other operations", (text) => ({
    openapi: "3.1.0",
    paths: filled((at) => [`/${text}${at}`, everyMethod({})]),
  })],
  ["other properties", (text) => withSchemas({ A0: { properties: filled((at) => [`${text}${at}`, 1]) } })],
];

export interface Pair {
  readonly name: string;
  readonly former: Node;
  readonly current: Node;
}

/** Made one by one: all at once would take much memory. */
export function* worstPairs(): Generator<Pair> {
  for (const [name, document] of SAME) yield { name, former: document(), current: document() };
  for (const [name, document] of OTHERS) {
    yield { name, former: document("string"), current: document("number") };
  }
}
