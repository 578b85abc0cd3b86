import { isNode, listAt, type Node, nodeAt, textAt } from "./node.ts";
import type { Place } from "./changes.ts";
import type { Resolver } from "./resolver.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/** One operation with what its path adds to it. */
export interface Operation {
  readonly place: Place;
  readonly node: Node;
  /** By place and name; a parameter of a path by its position, since clients do not send its name. */
  readonly parameters: ReadonlyMap<string, Node>;
}

/** The number of operations of a document. */
export function countOperations(document: Node): number {
  return Object.values(nodeAt(document, "paths"))
    .reduce<number>(
      (sum, item) => sum + METHODS.filter((method) => isNode(item) && isNode(item[method])).length,
      0,
    );
}

/** The operations by path without the names of its parameters, then by method. */
export function operationsOf(
  document: Node,
  resolver: Resolver,
): ReadonlyMap<string, ReadonlyMap<string, Operation>> {
  const found = new Map<string, Map<string, Operation>>();
  for (const [path, value] of Object.entries(nodeAt(document, "paths"))) {
    const item = resolver.resolve(value);
    const operations = new Map<string, Operation>();
    for (const method of METHODS) {
      const node = item[method];
      if (!isNode(node)) continue;
      const place = { path, operation: method.toUpperCase(), operationId: textAt(node, "operationId") };
      const parameters = [...listAt(item, "parameters"), ...listAt(node, "parameters")]
        .map((each) => resolver.resolve(each));
      operations.set(method, {
        place,
        node,
        parameters: new Map(parameters.map((each) => [keyOf(each, path), each])),
      });
    }
    found.set(path.replaceAll(/\{[^}]*\}/g, "{}"), operations);
  }
  return found;
}

function keyOf(parameter: Node, path: string): string {
  const name = textAt(parameter, "name") ?? "";
  const where = textAt(parameter, "in") ?? "";
  if (where !== "path") return `${where} ${where === "header" ? name.toLowerCase() : name}`;
  return `path ${[...path.matchAll(/\{([^}]*)\}/g)].findIndex(([, each]) => each === name)}`;
}
