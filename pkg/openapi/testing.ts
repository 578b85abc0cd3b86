/** Documents of tests: one operation, with what a case is about. */
import assert from "node:assert/strict";
import type { Comparison } from "./changes.ts";
import { compareDocuments } from "./compare.ts";
import type { Node } from "./node.ts";

/** The differences of two documents that are small enough. */
export function compared(former: Node, current: Node): Comparison {
  const end = compareDocuments(former, current);
  assert.ok(end.kind === "compared");
  return end.comparison;
}

/** A document with one operation `POST /pets`. */
export function documentWith(operation: Node, more: Node = {}): Node {
  return {
    openapi: "3.1.0",
    info: { title: "pets", version: "1" },
    paths: { "/pets": { post: operation } },
    ...more,
  };
}

const OK = { 200: { description: "done" } };

/** An operation whose body has this schema. */
export function asBody(schema: unknown): Node {
  return { requestBody: { content: { "application/json": { schema } } }, responses: OK };
}

/** An operation whose answer has this schema. */
export function asAnswer(schema: unknown): Node {
  return { responses: { 200: { description: "done", content: { "application/json": { schema } } } } };
}

/** An operation with these parameters. */
export function asParameters(...parameters: readonly Node[]): Node {
  return { parameters, responses: OK };
}

/** An object with these properties. */
export function objectOf(properties: Node, ...required: readonly string[]): Node {
  return { type: "object", properties, required };
}
