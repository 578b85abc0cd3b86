import { type Level, LEVELS } from "./changes.ts";
import { get, type Node, textAt } from "./node.ts";

const { error: ERROR, warning: WARNING, info: INFO } = LEVELS;

/** Bounds by their name in a schema, the name of their change, and whether they are upper ones. */
const LIMITS = [
  ["maximum", "max", true],
  ["maxLength", "max-length", true],
  ["maxItems", "max-items", true],
  ["maxProperties", "max-properties", true],
  ["minimum", "min", false],
  ["minLength", "min-length", false],
  ["minItems", "min-items", false],
  ["minProperties", "min-properties", false],
] as const;

/** Compares bounds, patterns and what is said of further properties. */
export function compareLimits(
  former: Node,
  current: Node,
  direction: "request" | "response",
  add: (change: string, level: Level, text: string) => void,
): void {
  const ofRequest = direction === "request";
  for (const [name, change, upper] of LIMITS) {
    const [before, after] = [bound(former, name, upper), bound(current, name, upper)];
    if (before === after) continue;
    const narrower = upper ? after < before : after > before;
    const harms = narrower === ofRequest;
    const verb = Number.isFinite(before) ? (after > before ? "increased" : "decreased") : "set";
    add(
      `${change}-${Number.isFinite(after) ? verb : "removed"}`,
      harms ? ERROR : INFO,
      `changed its ${name} from ${shown(before)} to ${shown(after)}`,
    );
  }
  const [was, is] = [textAt(former, "pattern"), textAt(current, "pattern")];
  if (was !== is && is !== undefined) {
    add(
      was === undefined ? "pattern-added" : "pattern-changed",
      ofRequest ? WARNING : INFO,
      "got another pattern",
    );
  } else if (was !== is) add("pattern-removed", ofRequest ? INFO : WARNING, "lost its pattern");
  if (
    ofRequest && get(former, "additionalProperties") !== false &&
    get(current, "additionalProperties") === false
  ) {
    add("additional-properties-refused", ERROR, "refuses further properties now");
  }
}

/** An exclusive bound counts as slightly stricter: it does not allow the number itself. */
function bound(schema: Node, name: string, upper: boolean): number {
  const none = upper ? Infinity : -Infinity;
  const given = get(schema, name);
  const plain = typeof given === "number" ? given : none;
  if (name !== "maximum" && name !== "minimum") return plain;
  const exclusive = get(schema, upper ? "exclusiveMaximum" : "exclusiveMinimum");
  const hair = (value: number): number =>
    value + (upper ? -1 : 1) * Math.max(Math.abs(value), 1) * Number.EPSILON;
  if (exclusive === true) return Number.isFinite(plain) ? hair(plain) : none;
  if (typeof exclusive !== "number") return plain;
  return upper ? Math.min(plain, hair(exclusive)) : Math.max(plain, hair(exclusive));
}

function shown(value: number): string {
  return Number.isFinite(value) ? String(value) : "none";
}
