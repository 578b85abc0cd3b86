import { Budget, BudgetSpent } from "./budget.ts";
import { Changes, type Compared, type Comparison, type Counts, LEVELS } from "./changes.ts";
import { compareOperations } from "./compare_operations.ts";
import { SchemaComparer } from "./compare_schemas.ts";
import { type Node, nodeAt } from "./node.ts";
import { operationsOf } from "./operations.ts";
import { Resolver } from "./resolver.ts";
import { Components, same } from "./same.ts";

/**
 * The differences between two documents as clients of the former one see them. Documents are untrusted, and a
 * comparison holds up all else in its process, so its work has a bound.
 */
export function compareDocuments(former: Node, current: Node, budget = new Budget()): Compared {
  try {
    return { kind: "compared", comparison: compareWithin(former, current, budget) };
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error;
    return {
      kind: "too_large",
      problem: "too large to compare: their schemas refer to each other too often, or have too many parts",
    };
  }
}

function compareWithin(former: Node, current: Node, budget: Budget): Comparison {
  const changes = new Changes(budget);
  const resolvers = { former: new Resolver(former, budget), current: new Resolver(current, budget) };
  const before = operationsOf(former, resolvers.former, budget);
  const after = operationsOf(current, resolvers.current, budget);
  const components = new Components(former, current, budget);
  const comparer = new SchemaComparer({ resolvers, changes, components, budget });
  const shared = { resolvers, comparer, changes, budget };
  const endpoints = counter();
  const paths = counter();
  for (const [path, operations] of before) {
    const now = after.get(path);
    let touched = false;
    for (const [method, operation] of operations) {
      const other = now?.get(method);
      const { place } = operation;
      if (other === undefined) {
        endpoints.deleted++;
        touched = true;
        const id = now === undefined
          ? "api-path-removed-without-deprecation"
          : "api-removed-without-deprecation";
        changes.add(place, id, LEVELS.error, "the operation was removed");
        continue;
      }
      compareOperations({ former: operation, current: other }, shared);
      if (!changes.touches(other.place) && same(operation.node, other.node, budget)) continue;
      endpoints.modified++;
      touched = true;
    }
    if (now === undefined) paths.deleted++;
    else if (touched || [...now.keys()].some((method) => !operations.has(method))) paths.modified++;
  }
  for (const [path, operations] of after) {
    if (!before.has(path)) paths.added++;
    for (const [method, { place }] of operations) {
      if (before.get(path)?.has(method) === true) continue;
      endpoints.added++;
      changes.add(place, "endpoint-added", LEVELS.info, "the operation was added");
    }
  }
  return {
    differs: !same(former, current, budget),
    changes: changes.list(),
    breaking: changes.breaking,
    endpoints,
    paths,
    schemas: countSchemas(former, current, components),
  };
}

function counter(): { -readonly [K in keyof Counts]: number } {
  return { added: 0, deleted: 0, modified: 0 };
}

function countSchemas(former: Node, current: Node, components: Components): Counts {
  const [before, after] = [former, current].map((each) => nodeAt(nodeAt(each, "components"), "schemas"));
  const counts = counter();
  for (const name of Object.keys(before ?? {})) {
    if (!Object.hasOwn(after ?? {}, name)) counts.deleted++;
    else if (components.differs("schemas", name)) counts.modified++;
  }
  counts.added = Object.keys(after ?? {}).filter((name) => !Object.hasOwn(before ?? {}, name)).length;
  return counts;
}
