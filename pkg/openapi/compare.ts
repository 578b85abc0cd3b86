import { Changes, type Comparison, type Counts, LEVELS } from "./changes.ts";
import { compareOperations } from "./compare_operations.ts";
import { SchemaComparer } from "./compare_schemas.ts";
import { canonical, type Node, nodeAt } from "./node.ts";
import { operationsOf } from "./operations.ts";
import { Resolver } from "./resolver.ts";

/** The differences between two documents as clients of the former one see them. */
export function compareDocuments(former: Node, current: Node): Comparison {
  const changes = new Changes();
  const resolvers = { former: new Resolver(former), current: new Resolver(current) };
  const before = operationsOf(former, resolvers.former);
  const after = operationsOf(current, resolvers.current);
  const comparer = new SchemaComparer(resolvers, changes);
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
      compareOperations({ former: operation, current: other }, { resolvers, comparer, changes });
      if (!changes.touches(other.place) && canonical(operation.node) === canonical(other.node)) continue;
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
  const list = changes.list();
  return {
    differs: canonical(former) !== canonical(current),
    changes: list,
    breaking: list.some(({ level }) => level === LEVELS.error),
    endpoints,
    paths,
    schemas: countSchemas(former, current),
  };
}

function counter(): { -readonly [K in keyof Counts]: number } {
  return { added: 0, deleted: 0, modified: 0 };
}

function countSchemas(former: Node, current: Node): Counts {
  const [before, after] = [former, current].map((each) => nodeAt(nodeAt(each, "components"), "schemas"));
  const counts = counter();
  for (const [name, schema] of Object.entries(before ?? {})) {
    if (!Object.hasOwn(after ?? {}, name)) counts.deleted++;
    else if (canonical(schema) !== canonical(after?.[name])) counts.modified++;
  }
  counts.added = Object.keys(after ?? {}).filter((name) => !Object.hasOwn(before ?? {}, name)).length;
  return counts;
}
