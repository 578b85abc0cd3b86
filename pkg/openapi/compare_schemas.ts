import { type Budget, unitsOfText } from "./budget.ts";
import { type Changes, type Level, LEVELS, type Place } from "./changes.ts";
import { compareLimits } from "./compare_limits.ts";
import { get, isNode, listAt, type Node, nodeAt, short, textAt, textsAt } from "./node.ts";
import type { Resolver } from "./resolver.ts";
import { type Components, Numbers } from "./same.ts";

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
/** Times that one schema is compared within an operation, for each direction. Its changes are the same each time. */
const PLACES_MAX = 4;
/** Characters. */
const TEXT_MAX = 300;
const COMPARISON_UNITS = 60;

export interface SchemaComparerParts {
  readonly resolvers: Resolvers;
  readonly changes: Changes;
  readonly components: Components;
  readonly budget: Budget;
}

/** Compares schemas and what is in them. */
export class SchemaComparer {
  readonly #resolvers: Resolvers;
  readonly #changes: Changes;
  readonly #components: Components;
  readonly #budget: Budget;
  readonly #numbers: Numbers;
  /** Pairs of schemas that led to the one that is compared: a schema that holds itself is compared once. */
  readonly #open = new Set<string>();
  /** Comparisons of the operation by direction and pair. */
  readonly #places = new Map<string, number>();
  #operation: Place | undefined;
  readonly #ids = new Map<Node, number>();

  constructor({ resolvers, changes, components, budget }: SchemaComparerParts) {
    this.#resolvers = resolvers;
    this.#changes = changes;
    this.#components = components;
    this.#budget = budget;
    this.#numbers = new Numbers(budget);
  }

  compare(pair: Pair, where: Where): void {
    if (pair.former === undefined && pair.current === undefined) return;
    const reference = textAt(pair.former, "$ref");
    const isSameReference = reference !== undefined && reference === textAt(pair.current, "$ref");
    if (isSameReference && this.#components.leadsToEqual(reference)) return;
    this.#budget.spend(COMPARISON_UNITS);
    const former = this.#resolvers.former.schema(pair.former);
    const current = this.#resolvers.current.schema(pair.current);
    const key = `${this.#idOf(former)} ${this.#idOf(current)}`;
    if (this.#open.has(key) || this.#open.size > DEPTH_MAX || !this.#enter(key, where)) return;
    this.#open.add(key);
    this.#budget.spend(weightOf(former) + weightOf(current));
    this.#compareWhole(former, current, { ...where, text: short(where.text, TEXT_MAX) });
    this.#open.delete(key);
  }

  #compareWhole(former: Node, current: Node, where: Where): void {
    const add = (change: string, level: Level, text: string): void =>
      this.#changes.add(where.place, idOf(where, change), level, `${where.text} ${text}`);
    compareTypes(former, current, where, add);
    compareNull(former, current, where, add);
    compareValues(this.#valuesOf(former), this.#valuesOf(current), where, add);
    compareLimits(former, current, where.direction, add);
    this.#compareProperties(former, current, where);
    const items = { former: get(former, "items"), current: get(current, "items") };
    this.compare(items, { ...where, text: `an item of ${where.text}` });
    const values = { former: schemaOrNone(former), current: schemaOrNone(current) };
    if (values.former !== undefined && values.current !== undefined) {
      this.compare(values, { ...where, text: `a value of ${where.text}` });
    }
    for (const name of ["oneOf", "anyOf"]) this.#compareAlternatives(name, former, current, where);
  }

  #idOf(schema: Node): number {
    const id = this.#ids.get(schema) ?? this.#ids.size;
    this.#ids.set(schema, id);
    return id;
  }

  /** False if the pair has been compared often enough in its operation. */
  #enter(key: string, { place, direction }: Where): boolean {
    if (this.#operation !== place) this.#places.clear();
    this.#operation = place;
    const times = (this.#places.get(`${direction} ${key}`) ?? 0) + 1;
    this.#places.set(`${direction} ${key}`, times);
    return times <= PLACES_MAX;
  }

  #compareProperties(former: Node, current: Node, where: Where): void {
    const [before, after] = [nodeAt(former, "properties"), nodeAt(current, "properties")];
    const needed = {
      former: new Set(textsAt(former, "required")),
      current: new Set(textsAt(current, "required")),
    };
    const skipped = where.direction === "request" ? "readOnly" : "writeOnly";
    const isSkipped = (value: unknown, resolver: Resolver) => get(resolver.resolve(value), skipped) === true;
    const add = (id: string, level: Level, text: string): void =>
      this.#changes.add(where.place, id, level, text);
    const ofRequest = where.direction === "request";
    const refused = get(current, "additionalProperties") === false;
    for (const [name, schema] of Object.entries(before)) {
      if (isSkipped(schema, this.#resolvers.former)) continue;
      const text = `the property '${short(name)}' of ${where.text}`;
      const [was, is] = [needed.former.has(name), needed.current.has(name)];
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
      this.compare({ former: schema, current: after[name] }, { ...where, subject: "property", text });
    }
    for (const [name, schema] of Object.entries(after)) {
      if (Object.hasOwn(before, name) || isSkipped(schema, this.#resolvers.current)) continue;
      const required = needed.current.has(name);
      const breaks = ofRequest && required &&
        get(this.#resolvers.current.resolve(schema), "default") === undefined;
      const kind = required ? "required" : "optional";
      const id = ofRequest ? `new-${kind}-request-property` : `response-${kind}-property-added`;
      add(id, breaks ? ERROR : INFO, `the ${kind} property '${short(name)}' of ${where.text} was added`);
    }
  }

  /** Alternatives are paired by their text; one that is left on each side is taken for a change. */
  #compareAlternatives(name: string, former: Node, current: Node, where: Where): void {
    const [before, after] = [listAt(former, name), listAt(current, name)].map((list) =>
      list.map((schema) => ({ schema, number: this.#numbers.of(schema) }))
    );
    if (before === undefined || after === undefined) return;
    const known = {
      former: new Set(before.map(({ number }) => number)),
      current: new Set(after.map(({ number }) => number)),
    };
    const removed = before.filter(({ number }) => !known.current.has(number));
    const added = after.filter(({ number }) => !known.former.has(number));
    const same = before.filter(({ number }) => known.current.has(number));
    for (const { schema } of same) this.compare({ former: schema, current: schema }, where);
    if (removed.length === 1 && added.length === 1) {
      return this.compare({ former: removed[0]?.schema, current: added[0]?.schema }, where);
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

  /** The allowed values by their number; `undefined`: all. */
  #valuesOf(schema: Node): Values | undefined {
    const only = get(schema, "const");
    const values = only === undefined ? listAt(schema, "enum") : [only];
    return values.length === 0 ? undefined : new Map(values.map((each) => [this.#numbers.of(each), each]));
  }
}

type Values = ReadonlyMap<number, unknown>;

/** The units of looking at each key, list and text of a schema once. */
function weightOf(schema: Node): number {
  let units = 0;
  for (const value of Object.values(schema)) {
    units += 1;
    if (typeof value === "string") units += unitsOfText(value);
    else if (Array.isArray(value)) units += value.reduce<number>((sum, each) => sum + weightOfEntry(each), 0);
  }
  return units + 12 * Object.keys(nodeAt(schema, "properties")).length;
}

function weightOfEntry(value: unknown): number {
  return 1 + (typeof value === "string" ? unitsOfText(value) : 0);
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

/** JSON Schema has seven types. */
const TYPES_SHOWN_MAX = 7;

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
  const text = types.size === 0
    ? "any type"
    : [...types].slice(0, TYPES_SHOWN_MAX).map((type) => short(type)).join(" or ");
  return format === undefined ? `'${text}'` : `'${text}' of the format '${short(format)}'`;
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

function compareValues(
  before: Values | undefined,
  after: Values | undefined,
  { direction }: Where,
  add: Add,
): void {
  const ofRequest = direction === "request";
  if (before === undefined && after === undefined) return;
  if (before === undefined) return add("became-enum", ofRequest ? ERROR : INFO, "takes only some values now");
  if (after === undefined) return add("became-not-enum", ofRequest ? INFO : WARNING, "takes all values now");
  for (const [number, value] of before) {
    if (after.has(number)) continue;
    add("enum-value-removed", ofRequest ? ERROR : INFO, `lost the value ${shownValue(value)}`);
  }
  for (const [number, value] of after) {
    if (before.has(number)) continue;
    add("enum-value-added", ofRequest ? INFO : WARNING, `got the value ${shownValue(value)}`);
  }
}

/** Objects are rare as values and may be large: they are not spelled out. */
function shownValue(value: unknown): string {
  if (Array.isArray(value)) return "[…]";
  if (typeof value === "object" && value !== null) return "{…}";
  return JSON.stringify(typeof value === "string" ? short(value) : value);
}
