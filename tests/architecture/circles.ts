/** Import circles between files, found by Tarjan's algorithm. */
import type { Import } from "./rules.ts";

/** Each circle as its sorted files; imports of types and imports at run time count alike. */
export function circlesOf(edges: readonly Import[]): string[][] {
  const graph = new Map<string, Set<string>>();
  for (const { from, to } of edges) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  return new CircleSearch(graph).run();
}

class CircleSearch {
  readonly #graph: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #indexes = new Map<string, number>();
  readonly #stack: string[] = [];
  readonly #circles: string[][] = [];

  constructor(graph: ReadonlyMap<string, ReadonlySet<string>>) {
    this.#graph = graph;
  }

  run(): string[][] {
    for (const node of this.#graph.keys()) if (!this.#indexes.has(node)) this.#visit(node);
    return this.#circles.toSorted();
  }

  /** Returns the lowest index that `node` reaches. */
  #visit(node: string): number {
    const index = this.#indexes.size;
    let lowest = index;
    this.#indexes.set(node, index);
    const depth = this.#stack.push(node) - 1;
    for (const next of this.#graph.get(node) ?? []) {
      const known = this.#indexes.get(next);
      if (known === undefined) lowest = Math.min(lowest, this.#visit(next));
      else if (this.#stack.includes(next)) lowest = Math.min(lowest, known);
    }
    if (lowest === index) {
      const circle = this.#stack.splice(depth);
      if (circle.length > 1) this.#circles.push(circle.sort());
    }
    return lowest;
  }
}
