import type { CommandTree, Group, Leaf } from "./command.ts";

/** A node of the tree with the words that lead to it. */
export interface Placed<T extends CommandTree = CommandTree> {
  readonly path: readonly string[];
  readonly node: T;
}

/** The group itself and all below it, each before its children; hidden ones, which are other names, are left out. */
export function* nodesOf(root: Group, path: readonly string[] = []): Generator<Placed> {
  yield { path, node: root };
  for (const [word, node] of Object.entries(root.commands)) {
    if (node.hidden === true) continue;
    if ("commands" in node) yield* nodesOf(node, [...path, word]);
    else yield { path: [...path, word], node };
  }
}

/** The commands that can run. */
export function* leavesOf(root: Group): Generator<Placed<Leaf>> {
  for (const { path, node } of nodesOf(root)) if (!("commands" in node)) yield { path, node };
}
