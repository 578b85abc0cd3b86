import { type Changes, type Level, LEVELS, type Place } from "./changes.ts";
import { compareLimits } from "./compare_limits.ts";
import { canonical, get, isNode, listAt, type Node, nodeAt, textAt, textsAt } from "./node.ts";
import type { Resolver } from "./resolver.ts";

export interface Resolvers {
  readonly former: Resolver;
  readonly current: Resolver;
}

/** The place of a schema: a request is written by clients, a response is read by them. */
export interface Where {
  readonly place: Place;
  readonly direction: "request" | "response";
  readonly subject: "parameter" | "body" | "property";
  /** For people. */
  readonly text: string;
}

interface Pair {
  readonly former: unknown;
  readonly current: unknown;
}

const { error: ERROR, warning: WARNING, info: INFO } = LEVELS;
const DEPTH_MAX = 30;
/** Comparisons of two schemas in two documents. */
const WORK_MAX = 50_000;

/** Compares schemas and what is in them. */
export class SchemaComparer {
  readonly #resolvers: Resolvers;
  readonly #changes: Changes;
  #work = 0;

  constructor(resolvers: Resolvers, changes: Changes) {
    this.#resolvers = resolvers;
    this.#changes = changes;
  }

  compare(pair: Pair, where: Where): void {
    this.#compare(pair, where, []);
  }

  /** `open` are the references that led here: a schema that holds itself is compared once. */
  #compare(pair: Pair, where: Where, open: readonly string[]): void {
    if (pair.former === undefined && pair.current === undefined) return;
    const references = `${textAt(pair.former, "$ref")} ${textAt(pair.current, "$ref")}`;
    if (open.includes(references) || open.length > DEPTH_MAX || ++this.#work > WORK_MAX) return;
    const next = references === "undefined undefined" ? [...open, `${open.length}`] : [...open, references];
    const former = this.#resolvers.former.schema(pair.former);
    const current = this.#resolvers.current.schema(pair.current);
    const add = (change: string, level: Level, text: string): void =>
      this.#changes.add(where.place, idOf(where, change), level, `${where.text} ${text}`);
    compareTypes(former, current, where, add);
    compareNull(former, current, where, add);
    compareValues(former, current, where, add);
    compareLimits(former, current, where.direction, add);
    this.#compareProperties(former, current, where, next);
    const items = { former: get(former, "items"), current: get(current, "items") };
    this.#compare(items, { ...where, text: `an item of ${where.text}` }, next);
    const values = { former: schemaOrNone(former), current: schemaOrNone(current) };
    if (values.former !== undefined && values.current !== undefined) {
      this.#compare(values, { ...where, text: `a value of ${where.text}` }, next);
    }
    for (const name of ["oneOf", "anyOf"]) this.#compareAlternatives(name, former, current, where, next);
  }

  #compareProperties(former: Node, current: Node, where: Where, open: readonly string[]): void {
    const [before, after] = [nodeAt(former, "properties"), nodeAt(current, "properties")];
    const needed = { former: textsAt(former, "required"), current: textsAt(current, "required") };
    const skipped = where.direction === "request" ? "readOnly" : "writeOnly";
    const isSkipped = (value: unknown, resolver: Resolver) => get(resolver.resolve(value), skipped) === true;
    const add = (id: string, level: Level, text: string): void =>
      this.#changes.add(where.place, id, level, text);
    const ofRequest = where.direction === "request";
    const refused = get(current, "additionalProperties") === false;
    for (const [name, schema] of Object.entries(before)) {
      if (isSkipped(schema, this.#resolvers.former)) continue;
      const text = `the property '${name}' of ${where.text}`;
      const [was, is] = [needed.former.includes(name), needed.current.includes(name)];
      if (!Object.hasOwn(after, name)) {
        if (ofRequest) add("request-property-removed", refused ? ERROR : WARNING, `${text} was removed`);
        else if (was) add("response-required-property-removed", ERROR, `${text} was removed`);
        else add("response-optional-property-removed", WARNING, `${text} was removed`);
        continue;
      }
      const withDefault = get(this.#resolvers.current.resolve(after[name]), "default") !== undefined;
      if (!was && is && ofRequest) {
        add("request-property-became-required", withDefault ? INFO : ERROR, `${text} became required`);
      }
      if (was && !is && ofRequest) add("request-property-became-optional", INFO, `${text} became optional`);
      if (was && !is && !ofRequest) {
        add("response-property-became-optional", ERROR, `${text} became optional`);
      }
      if (!was && is && !ofRequest) add("response-property-became-required", INFO, `${text} became required`);
      this.#compare({ former: schema, current: after[name] }, { ...where, subject: "property", text }, open);
    }
    for (const [name, schema] of Object.entries(after)) {
      if (Object.hasOwn(before, name) || isSkipped(schema, this.#resolvers.current)) continue;
      const required = needed.current.includes(name);
      const breaks = ofRequest && required &&
        get(this.#resolvers.current.resolve(schema), "default") === undefined;
      const kind = required ? "required" : "optional";
      const id = ofRequest ? `new-${kind}-request-property` : `response-${kind}-property-added`;
      add(id, breaks ? ERROR : INFO, `the ${kind} property '${name}' of ${where.text} was added`);
    }
  }

  /** Alternatives are paired by their text; one that is left on each side is taken for a change. */
  #compareAlternatives(
    name: string,
    former: Node,
    current: Node,
    where: Where,
    open: readonly string[],
  ): void {
    const [before, after] = [listAt(former, name), listAt(current, name)];
    const known = { former: new Set(before.map(canonical)), current: new Set(after.map(canonical)) };
    const removed = before.filter((each) => !known.current.has(canonical(each)));
    const added = after.filter((each) => !known.former.has(canonical(each)));
    const same = before.filter((each) => known.current.has(canonical(each)));
    for (const each of same) this.#compare({ former: each, current: each }, where, open);
    if (removed.length === 1 && added.length === 1) {
      return this.#compare({ former: removed[0], current: added[0] }, where, open);
    }
    const ofRequest = where.direction === "request";
    const kind = name === "oneOf" ? "one-of" : "any-of";
    const add = (change: string, level: Level, text: string): void =>
      this.#changes.add(where.place, idOf(where, `${kind}-${change}`), level, `${where.text} ${text}`);
    // Where there was no choice before, the type says what changed.
    if (before.length > 0 && removed.length > 0) {
      add("removed", ofRequest ? ERROR : INFO, `lost ${removed.length} of its alternatives`);
    }
    if (before.length > 0 && added.length > 0) {
      add("added", ofRequest ? INFO : ERROR, `got ${added.length} further alternatives`);
    }
  }
}

type Add = (change: string, level: Level, text: string) => void;

/** `request-parameter-type-changed`, `response-body-type-changed` and so on. */
function idOf({ direction, subject }: Where, change: string): string {
  return `${direction}-${subject}-${change}`;
}

function schemaOrNone(schema: Node): unknown {
  const found = get(schema, "additionalProperties");
  return isNode(found) ? found : undefined;
}

/** The types without null; empty: any. */
function typesOf(schema: Node): ReadonlySet<string> {
  const type = get(schema, "type");
  const all = typeof type === "string" ? [type] : textsAt(schema, "type");
  return new Set(all.filter((each) => each !== "null"));
}

function takes(types: ReadonlySet<string>, type: string): boolean {
  return types.size === 0 || types.has(type) || type === "integer" && types.has("number");
}

/** True if each value of the one type is one of the other. */
function covers(wide: ReadonlySet<string>, narrow: ReadonlySet<string>): boolean {
  return narrow.size === 0 ? wide.size === 0 : [...narrow].every((type) => takes(wide, type));
}

function shown(types: ReadonlySet<string>, format: string | undefined): string {
  const text = types.size === 0 ? "any type" : [...types].join(" or ");
  return format === undefined ? `'${text}'` : `'${text}' of the format '${format}'`;
}

function compareTypes(former: Node, current: Node, { direction }: Where, add: Add): void {
  const [before, after] = [typesOf(former), typesOf(current)];
  const [was, is] = [textAt(former, "format"), textAt(current, "format")];
  const [wide, narrow] = direction === "request" ? [after, before] : [before, after];
  const [wideFormat, narrowFormat] = direction === "request" ? [is, was] : [was, is];
  const text = `changed its type from ${shown(before, was)} to ${shown(after, is)}`;
  const fits = covers(wide, narrow) && (wideFormat === undefined || wideFormat === narrowFormat);
  if (!fits) add("type-changed", ERROR, text);
  else if (!covers(narrow, wide) || was !== is) {
    add(direction === "request" ? "type-generalized" : "type-specialized", INFO, text);
  }
}

function isNullable(schema: Node): boolean {
  return get(schema, "nullable") === true || textsAt(schema, "type").includes("null") ||
    [...listAt(schema, "oneOf"), ...listAt(schema, "anyOf")].some((each) => textAt(each, "type") === "null");
}

function compareNull(former: Node, current: Node, { direction }: Where, add: Add): void {
  const [was, is] = [isNullable(former), isNullable(current)];
  if (was && !is) {
    add("became-not-nullable", direction === "request" ? ERROR : INFO, "does not take null any more");
  }
  if (!was && is) add("became-nullable", direction === "request" ? INFO : ERROR, "may be null now");
}

/** The allowed values; `undefined`: all. */
function valuesOf(schema: Node): ReadonlySet<string> | undefined {
  const only = get(schema, "const");
  const values = only === undefined ? listAt(schema, "enum") : [only];
  return values.length === 0 ? undefined : new Set(values.map(canonical));
}

function compareValues(former: Node, current: Node, { direction }: Where, add: Add): void {
  const [before, after] = [valuesOf(former), valuesOf(current)];
  const ofRequest = direction === "request";
  if (before === undefined && after === undefined) return;
  if (before === undefined) return add("became-enum", ofRequest ? ERROR : INFO, "takes only some values now");
  if (after === undefined) return add("became-not-enum", ofRequest ? INFO : WARNING, "takes all values now");
  for (const value of before) {
    if (!after.has(value)) add("enum-value-removed", ofRequest ? ERROR : INFO, `lost the value ${value}`);
  }
  for (const value of after) {
    if (!before.has(value)) add("enum-value-added", ofRequest ? INFO : WARNING, `got the value ${value}`);
  }
}
