import type { Budget } from "./budget.ts";
import { type Changes, LEVELS } from "./changes.ts";
import type { Resolvers, SchemaComparer } from "./compare_schemas.ts";
import { get, listAt, type Node, nodeAt, short, textAt } from "./node.ts";
import type { Operation } from "./operations.ts";

/** The parts that a comparison shares. */
interface Shared {
  readonly resolvers: Resolvers;
  readonly comparer: SchemaComparer;
  readonly changes: Changes;
  readonly budget: Budget;
}

interface Pair<T> {
  readonly former: T;
  readonly current: T;
}

/** Of a parameter, a media type or an answer. */
const UNITS = 20;

const { error: ERROR, warning: WARNING, info: INFO } = LEVELS;

/** Compares two forms of one operation. */
export function compareOperations(pair: Pair<Operation>, shared: Shared): void {
  compareParameters(pair, shared);
  compareBodies(pair, shared);
  compareAnswers(pair, shared);
  compareSecurity(pair, shared);
}

function compareParameters(
  { former, current }: Pair<Operation>,
  { changes, comparer, budget }: Shared,
): void {
  const { place } = current;
  budget.spend(UNITS * (1 + former.parameters.size + current.parameters.size));
  for (const [key, before] of former.parameters) {
    const after = current.parameters.get(key);
    const name = nameOf(before);
    if (after === undefined) {
      changes.add(place, "request-parameter-removed", WARNING, `the ${name} was removed`);
      continue;
    }
    const [was, is] = [isRequired(before), isRequired(after)];
    if (!was && is) {
      changes.add(place, "request-parameter-became-required", ERROR, `the ${name} became required`);
    }
    if (was && !is) {
      changes.add(place, "request-parameter-became-optional", INFO, `the ${name} became optional`);
    }
    const schemas = { former: schemaOf(before), current: schemaOf(after) };
    comparer.compare(schemas, { place, direction: "request", subject: "parameter", text: `the ${name}` });
  }
  for (const [key, after] of current.parameters) {
    if (former.parameters.has(key)) continue;
    const required = isRequired(after);
    changes.add(
      place,
      required ? "new-required-request-parameter" : "new-optional-request-parameter",
      required ? ERROR : INFO,
      `the ${required ? "required" : "optional"} ${nameOf(after)} was added`,
    );
  }
}

function nameOf(parameter: Node): string {
  return `${short(textAt(parameter, "in") ?? "")} parameter '${short(textAt(parameter, "name") ?? "")}'`;
}

function isRequired(node: Node): boolean {
  return get(node, "required") === true;
}

/** Of a parameter, also in the form with a media type. */
function schemaOf(parameter: Node): unknown {
  return get(parameter, "schema") ?? get(Object.values(nodeAt(parameter, "content"))[0], "schema");
}

function compareBodies({ former, current }: Pair<Operation>, shared: Shared): void {
  const { resolvers, changes, comparer, budget } = shared;
  const { place } = current;
  const [had, has] = [get(former.node, "requestBody"), get(current.node, "requestBody")];
  const before = resolvers.former.resolve(had);
  const after = resolvers.current.resolve(has);
  if (had === undefined && has === undefined) return;
  if (had === undefined) {
    const required = isRequired(after);
    const id = required ? "request-body-added-required" : "request-body-added-optional";
    changes.add(
      place,
      id,
      required ? ERROR : INFO,
      `the ${required ? "required" : "optional"} body was added`,
    );
    return;
  }
  if (has === undefined) return changes.add(place, "request-body-removed", WARNING, "the body was removed");
  const [was, is] = [isRequired(before), isRequired(after)];
  if (!was && is) changes.add(place, "request-body-became-required", ERROR, "the body became required");
  if (was && !is) changes.add(place, "request-body-became-optional", INFO, "the body became optional");
  const contents = { former: nodeAt(before, "content"), current: nodeAt(after, "content") };
  for (const { type, schemas } of mediaTypes(contents, budget)) {
    const text = `the media type '${short(type)}' of the body`;
    if (schemas === "removed") {
      changes.add(place, "request-body-media-type-removed", ERROR, `${text} was removed`);
    } else if (schemas === "added") {
      changes.add(place, "request-body-media-type-added", INFO, `${text} was added`);
    } else comparer.compare(schemas, { place, direction: "request", subject: "body", text: "the body" });
  }
}

interface MediaType {
  readonly type: string;
  readonly schemas: "added" | "removed" | Pair<unknown>;
}

function mediaTypes({ former, current }: Pair<Node>, budget: Budget): readonly MediaType[] {
  const types = new Set([...Object.keys(former), ...Object.keys(current)]);
  budget.spend(UNITS * (1 + types.size));
  return [...types].map((type) => {
    if (!Object.hasOwn(current, type)) return { type, schemas: "removed" };
    if (!Object.hasOwn(former, type)) return { type, schemas: "added" };
    return { type, schemas: { former: get(former[type], "schema"), current: get(current[type], "schema") } };
  });
}

function compareAnswers(
  { former, current }: Pair<Operation>,
  { resolvers, changes, comparer, budget }: Shared,
): void {
  const { place } = current;
  const [before, after] = [nodeAt(former.node, "responses"), nodeAt(current.node, "responses")];
  budget.spend(UNITS * (1 + Object.keys(before).length + Object.keys(after).length));
  for (const [status, answer] of Object.entries(before)) {
    if (!Object.hasOwn(after, status)) {
      const success = /^2/.test(status);
      const id = success ? "response-success-status-removed" : "response-non-success-status-removed";
      changes.add(
        place,
        id,
        success ? ERROR : INFO,
        `the response with the status '${short(status)}' was removed`,
      );
      continue;
    }
    const contents = {
      former: nodeAt(resolvers.former.resolve(answer), "content"),
      current: nodeAt(resolvers.current.resolve(after[status]), "content"),
    };
    for (const { type, schemas } of mediaTypes(contents, budget)) {
      const text = `the media type '${short(type)}' of the response with the status '${short(status)}'`;
      if (schemas === "removed") {
        changes.add(place, "response-media-type-removed", ERROR, `${text} was removed`);
      } else if (schemas === "added") {
        changes.add(place, "response-media-type-added", INFO, `${text} was added`);
      } else {
        const where = `the response with the status '${short(status)}'`;
        comparer.compare(schemas, { place, direction: "response", subject: "body", text: where });
      }
    }
  }
  for (const status of Object.keys(after)) {
    if (Object.hasOwn(before, status)) continue;
    const id = /^2/.test(status) ? "response-success-status-added" : "response-non-success-status-added";
    changes.add(place, id, INFO, `the response with the status '${short(status)}' was added`);
  }
}

/** New credentials break every client, since its requests lack them. */
function compareSecurity({ former, current }: Pair<Operation>, { resolvers, changes, budget }: Shared): void {
  const had = needsCredentials(former.node, resolvers.former.root, budget);
  const has = needsCredentials(current.node, resolvers.current.root, budget);
  const { place } = current;
  if (!had && has) changes.add(place, "api-security-added", ERROR, "the operation needs credentials now");
  if (had && !has) {
    changes.add(place, "api-security-removed", INFO, "the operation needs no credentials any more");
  }
}

/** The entries are alternatives, and an empty entry allows calls without credentials. */
function needsCredentials(operation: Node, document: Node, budget: Budget): boolean {
  const ways = Object.hasOwn(operation, "security")
    ? listAt(operation, "security")
    : listAt(document, "security");
  return ways.length > 0 && ways.every((way) => {
    const names = typeof way === "object" && way !== null ? Object.keys(way).length : 0;
    budget.spend(5 + names);
    return names > 0;
  });
}
