import type { Entry } from "./walk.ts";

/** A path and what all files in it hold together. */
export interface Share {
  /** Folders end with a slash. */
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
}

interface Node {
  readonly name: string;
  bytes: number;
  files: number;
  /** Of a folder. */
  readonly children: Map<string, Node>;
}

const SHARES_MAX = 5;
/** A folder that holds this much of its parent is named instead of it. */
const MOST_OF_PARENT = 0.9;

/** The paths that hold most, the largest first: those at the top, or the folder further down that holds nearly all of one. */
export function largestShares(entries: readonly Entry[], sharesMax = SHARES_MAX): readonly Share[] {
  const root: Node = { name: "", bytes: 0, files: 0, children: new Map() };
  for (const { path, kind, size } of entries) {
    if (kind !== "folder") count(root, path, size);
  }
  return [...root.children.values()].map((top) => {
    let [path, node]: [string, Node] = [top.name, top];
    for (let next = mainChild(node); next !== undefined; next = mainChild(node)) {
      [path, node] = [`${path}/${next.name}`, next];
    }
    return { path: node.children.size > 0 ? `${path}/` : path, bytes: node.bytes, files: node.files };
  })
    .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))
    .filter(({ bytes }) => bytes > 0)
    .slice(0, sharesMax);
}

function count(root: Node, path: string, bytes: number): void {
  let node = root;
  for (const name of path.split("/")) {
    const child = node.children.get(name) ?? { name, bytes: 0, files: 0, children: new Map() };
    node.children.set(name, child);
    node = child;
    node.bytes += bytes;
    node.files++;
  }
}

function mainChild({ bytes, children }: Node): Node | undefined {
  for (const child of children.values()) {
    if (child.children.size > 0 && child.bytes >= bytes * MOST_OF_PARENT) return child;
  }
  return undefined;
}

/** The shares as lines of a message. */
export function describeShares(shares: readonly Share[]): string {
  const width = Math.max(0, ...shares.map((each) => formatBytes(each.bytes).length));
  return shares.map((each) => `  ${formatBytes(each.bytes).padStart(width)}  ${each.path}`).join("\n");
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A size for people: `1 MiB`, `4.2 MiB`, `980 bytes`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}
