import { type Budget, unitsOfText } from "./budget.ts";
import { get, isNode, listAt, type Node, nodeAt, textAt, textsAt } from "./node.ts";

const HOPS_MAX = 20;
/** Characters. */
const REFERENCE_MAX = 1_024;
/** One object for all that cannot be found, so that it is known as the same. */
const NONE: Node = {};

/** Finds what references of one document mean. Only those into the document itself are followed. */
export class Resolver {
  readonly root: Node;
  readonly #budget: Budget;
  readonly #targets = new Map<string, unknown>();
  readonly #wholes = new Map<Node, Node>();

  constructor(document: Node, budget: Budget) {
    this.root = document;
    this.#budget = budget;
  }

  /** The object that a value is or refers to; what cannot be found here is an empty one. */
  resolve(value: unknown): Node {
    let found = value;
    for (let hops = 0; hops < HOPS_MAX; hops++) {
      this.#budget.spend(3);
      const reference = textAt(found, "$ref");
      if (reference === undefined) return isNode(found) ? found : NONE;
      if (!reference.startsWith("#/") || reference.length > REFERENCE_MAX) return NONE;
      found = this.#at(reference);
    }
    return NONE;
  }

  /** A schema with the parts of its `allOf` as one. */
  schema(value: unknown): Node {
    const own = this.resolve(value);
    if (listAt(own, "allOf").length === 0) return own;
    const known = this.#wholes.get(own);
    if (known !== undefined) return known;
    const whole = this.#merge(this.#partsOf(own));
    this.#wholes.set(own, whole);
    return whole;
  }

  /**
   * The schema and all parts of its parts, itself last. Each is taken once, also one that is a part of itself: parts
   * that refer to further ones would be without number.
   */
  #partsOf(schema: Node): readonly Node[] {
    const found = new Set<Node>();
    const open = [schema];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      this.#budget.spend(20);
      for (const part of listAt(next, "allOf")) open.push(this.resolve(part));
    }
    return [...found].reverse();
  }

  #merge(parts: readonly Node[]): Node {
    const names = new Map<string, unknown>();
    const properties = new Map<string, unknown>();
    const required = new Set<string>();
    for (const part of parts) {
      this.#copy(part, names);
      this.#copy(nodeAt(part, "properties"), properties);
      for (const name of textsAt(part, "required")) {
        this.#budget.spend(5 * unitsOfText(name));
        required.add(name);
      }
    }
    names.delete("allOf");
    names.set("properties", Object.fromEntries(properties)).set("required", [...required]);
    return Object.fromEntries(names);
  }

  #copy(node: Node, into: Map<string, unknown>): void {
    const entries = Object.entries(node);
    this.#budget.spend(10 + 10 * entries.length);
    for (const [name, value] of entries) into.set(name, value);
  }

  #at(reference: string): unknown {
    if (this.#targets.has(reference)) return this.#targets.get(reference);
    let found: unknown = this.root;
    for (const part of reference.slice(2).split("/")) {
      this.#budget.spend(2);
      const name = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
      found = Array.isArray(found) ? found[Number(name)] : get(found, name);
    }
    this.#targets.set(reference, found);
    return found;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
