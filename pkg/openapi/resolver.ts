import { get, isNode, listAt, type Node, nodeAt, textAt, textsAt } from "./node.ts";

const HOPS_MAX = 20;
const NESTED_MAX = 10;

/** Finds what references of one document mean. Only those into the document itself are followed. */
export class Resolver {
  readonly root: Node;

  constructor(document: Node) {
    this.root = document;
  }

  /** The object that a value is or refers to; what cannot be found here is an empty one. */
  resolve(value: unknown): Node {
    let found = value;
    for (let hops = 0; hops < HOPS_MAX; hops++) {
      const reference = textAt(found, "$ref");
      if (reference === undefined) return isNode(found) ? found : {};
      if (!reference.startsWith("#/")) return {};
      found = this.#at(reference);
    }
    return {};
  }

  /** A schema with the parts of its `allOf` as one. */
  schema(value: unknown, nested = 0): Node {
    const own = this.resolve(value);
    const parts = listAt(own, "allOf");
    if (parts.length === 0 || nested >= NESTED_MAX) return own;
    const all = [...parts.map((each) => this.schema(each, nested + 1)), without(own, "allOf")];
    const merged = Object.assign({}, ...all);
    const properties = Object.assign({}, ...all.map((each) => nodeAt(each, "properties")));
    const required = [...new Set(all.flatMap((each) => textsAt(each, "required")))];
    return { ...merged, properties, required };
  }

  #at(reference: string): unknown {
    let found: unknown = this.root;
    for (const part of reference.slice(2).split("/")) {
      const name = decode(part).replaceAll("~1", "/").replaceAll("~0", "~");
      found = Array.isArray(found) ? found[Number(name)] : get(found, name);
    }
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

function without(node: Node, name: string): Node {
  const { [name]: _, ...rest } = node;
  return rest;
}
