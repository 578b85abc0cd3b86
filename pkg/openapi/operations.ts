import { type Budget, unitsOfText } from "./budget.ts";
import { isNode, listAt, type Node, nodeAt, short, textAt } from "./node.ts";
import type { Place } from "./changes.ts";
import type { Resolver } from "./resolver.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;
/** Parameters of a path. A brace within braces begins anew, so that each character is looked at once or twice. */
const PARAMETERS = /\{([^{}]*)\}/g;
const OPERATION_UNITS = 20;
/** Characters that are shown. */
const OPERATION_ID_MAX = 200;

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
  budget: Budget,
): ReadonlyMap<string, ReadonlyMap<string, Operation>> {
  const found = new Map<string, Map<string, Operation>>();
  for (const [path, value] of Object.entries(nodeAt(document, "paths"))) {
    const item = resolver.resolve(value);
    const names = new Map([...path.matchAll(PARAMETERS)].map(([, name = ""], at) => [name, at]));
    budget.spend(20 + 10 * names.size + unitsOfText(path));
    const operations = new Map<string, Operation>();
    for (const method of METHODS) {
      const node = item[method];
      if (!isNode(node)) continue;
      budget.spend(OPERATION_UNITS);
      const id = textAt(node, "operationId");
      const operationId = id === undefined ? undefined : short(id, OPERATION_ID_MAX);
      const place = { path, operation: method.toUpperCase(), operationId };
      const own = new Map<string, Node>();
      for (const list of [listAt(item, "parameters"), listAt(node, "parameters")]) {
        for (const each of list) {
          const parameter = resolver.resolve(each);
          budget.spend(5 + unitsOfText(textAt(parameter, "name") ?? ""));
          own.set(keyOf(parameter, names), parameter);
        }
      }
      operations.set(method, { place, node, parameters: own });
    }
    found.set(path.replaceAll(PARAMETERS, "{}"), operations);
  }
  return found;
}

function keyOf(parameter: Node, names: ReadonlyMap<string, number>): string {
  const name = textAt(parameter, "name") ?? "";
  const where = textAt(parameter, "in") ?? "";
  if (where !== "path") return `${where} ${where === "header" ? name.toLowerCase() : name}`;
  return `path ${names.get(name) ?? -1}`;
}
