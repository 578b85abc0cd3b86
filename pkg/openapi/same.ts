import { type Budget, unitsOfText } from "./budget.ts";
import { isNode, type Node, nodeAt } from "./node.ts";

/** True if two values say the same; the order of names says nothing. */
export function same(a: unknown, b: unknown, budget: Budget): boolean {
  budget.spend(typeof a === "string" ? unitsOfText(a) : 1);
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, at) => same(each, b[at], budget));
  }
  if (!isNode(a) || !isNode(b)) return false;
  const names = Object.keys(a);
  budget.spend(names.length);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name], budget));
}

/**
 * Numbers values so that equal ones have equal numbers, in both documents. Each object is looked at once, however
 * often it is asked for.
 */
export class Numbers {
  readonly #budget: Budget;
  readonly #byForm = new Map<string, number>();
  readonly #byObject = new Map<object, number>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  of(value: unknown): number {
    this.#budget.spend(typeof value === "string" ? 10 * unitsOfText(value) : 10);
    if (typeof value !== "object" || value === null) return this.#ofForm(`${typeof value} ${value}`);
    const known = this.#byObject.get(value);
    if (known !== undefined) return known;
    const found = this.#ofForm(this.#formOf(value));
    this.#byObject.set(value, found);
    return found;
  }

  #formOf(value: object): string {
    if (Array.isArray(value)) return `[${value.map((each) => this.of(each)).join()}]`;
    const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
    this.#budget.spend(3 * entries.length);
    return `{${entries.map(([name, each]) => `${JSON.stringify(name)}:${this.of(each)}`).join()}}`;
  }

  #ofForm(form: string): number {
    const found = this.#byForm.get(form) ?? this.#byForm.size;
    this.#byForm.set(form, found);
    return found;
  }
}

/** The components of two documents that are equal, with all that they refer to. */
export class Components {
  /** References, e.g. `#/components/schemas/Pet`. */
  readonly #differing = new Set<string>();
  readonly #equal = new Set<string>();

  constructor(former: Node, current: Node, budget: Budget) {
    const users = new Map<string, string[]>();
    for (const [kind, value] of Object.entries(nodeAt(former, "components"))) {
      const others = nodeAt(nodeAt(current, "components"), kind);
      for (const [name, component] of Object.entries(isNode(value) ? value : {})) {
        const reference = `#/components/${kind}/${name}`;
        budget.spend(10);
        if (!Object.hasOwn(others, name) || !same(component, others[name], budget)) {
          this.#differing.add(reference);
          continue;
        }
        this.#equal.add(reference);
        for (const used of referencesIn(component, budget)) {
          const known = users.get(used);
          if (known === undefined) users.set(used, [reference]);
          else known.push(reference);
        }
      }
    }
    this.#forget([...users.keys()].filter((each) => !this.#equal.has(each)), users, budget);
  }

  /** True if the component itself is another one now, or is gone. */
  differs(kind: string, name: string): boolean {
    return this.#differing.has(`#/components/${kind}/${name}`);
  }

  /** True if neither the component nor anything that it leads to is another one now. */
  leadsToEqual(reference: string): boolean {
    return this.#equal.has(reference);
  }

  /** Those that lead to a difference are equal only in their own text. */
  #forget(start: string[], users: ReadonlyMap<string, readonly string[]>, budget: Budget): void {
    for (let next = start.pop(); next !== undefined; next = start.pop()) {
      for (const user of users.get(next) ?? []) {
        budget.spend(1);
        if (this.#equal.delete(user)) start.push(user);
      }
    }
  }
}

function referencesIn(root: unknown, budget: Budget): ReadonlySet<string> {
  const found = new Set<string>();
  const open: unknown[] = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const entries = Object.entries(next);
    budget.spend(1 + entries.length);
    for (const [name, value] of entries) {
      if (name === "$ref" && typeof value === "string") found.add(value);
      else if (typeof value === "object" && value !== null) open.push(value);
    }
  }
  return found;
}
