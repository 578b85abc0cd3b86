import type { ContextEntry, ContextTree } from "./tree.ts";

/** An entry of a synchronization, and where its content is. */
export interface Selected {
  readonly entry: ContextEntry;
  /** Of a file: the entry to read. */
  readonly content: ContextEntry;
}

/** As many links are followed as Linux follows (`path_resolution(7)`). */
const LINKS_MAX = 40;

/**
 * The entries that a build can reach when it asks for `paths`: those paths, their parents, all below them, and the targets of
 * links on the way. Paths may hold wildcards of Go's `filepath.Match`. Without paths it is the whole tree.
 *
 * Of the names of one file the first one that is selected has the content, and the others are links to it.
 */
export function selectEntries(tree: ContextTree, paths: readonly string[]): readonly Selected[] {
  const entries = paths.length === 0 ? tree.entries : new Selection(tree).select(paths);
  return withContent(tree, entries);
}

function withContent(tree: ContextTree, entries: readonly ContextEntry[]): readonly Selected[] {
  const byPath = entries.some(({ kind }) => kind === "hard_link")
    ? new Map(tree.entries.map((entry) => [entry.path, entry]))
    : undefined;
  if (byPath === undefined) return entries.map((entry) => ({ entry, content: entry }));
  const firstNames = new Map<ContextEntry, string>();
  return entries.map((entry): Selected => {
    if (entry.kind !== "file" && entry.kind !== "hard_link") return { entry, content: entry };
    const content = entry.kind === "file" ? entry : byPath.get(entry.target) ?? entry;
    const first = firstNames.get(content);
    if (first !== undefined) {
      return { entry: { ...content, ...LINK, path: entry.path, target: first }, content };
    }
    firstNames.set(content, entry.path);
    return { entry: { ...content, path: entry.path }, content };
  });
}

const LINK = { kind: "hard_link" } as const;

class Selection {
  readonly #entries: readonly ContextEntry[];
  readonly #byPath = new Map<string, ContextEntry>();
  readonly #children = new Map<string, string[]>();
  /** Selected with all that is below. */
  readonly #roots = new Set<string>();
  /** Selected by themselves. */
  readonly #single = new Set<string>();

  constructor({ entries }: ContextTree) {
    this.#entries = entries;
    for (const entry of entries) {
      this.#byPath.set(entry.path, entry);
      const at = entry.path.lastIndexOf("/");
      const parent = at < 0 ? "" : entry.path.slice(0, at);
      const siblings = this.#children.get(parent);
      if (siblings === undefined) this.#children.set(parent, [entry.path.slice(at + 1)]);
      else siblings.push(entry.path.slice(at + 1));
    }
  }

  select(paths: readonly string[]): readonly ContextEntry[] {
    for (const path of paths) this.#follow("", parts(path), 0);
    if (this.#roots.has("")) return this.#entries;
    const under = new Set<string>();
    return this.#entries.filter(({ path }) => {
      const at = path.lastIndexOf("/");
      const chosen = this.#roots.has(path) || (at > 0 && under.has(path.slice(0, at)));
      if (chosen) under.add(path);
      return chosen || this.#single.has(path);
    });
  }

  #follow(folder: string, rest: readonly string[], links: number): void {
    const [name, ...after] = rest;
    if (name === undefined) {
      this.#roots.add(folder);
      return;
    }
    if (name === "..") return this.#follow(parentOf(folder), after, links);
    for (const match of this.#matching(folder, name)) {
      const path = folder === "" ? match : `${folder}/${match}`;
      const entry = this.#byPath.get(path);
      if (entry === undefined) continue;
      this.#single.add(path);
      if (entry.kind !== "link") this.#follow(path, after, links);
      else if (links < LINKS_MAX) {
        const from = entry.target.startsWith("/") ? "" : folder;
        this.#follow(from, [...parts(entry.target), ...after], links + 1);
      }
    }
  }

  #matching(folder: string, name: string): readonly string[] {
    const names = this.#children.get(folder) ?? [];
    if (!/[*?[\\]/.test(name)) return [name];
    const pattern = namePattern(name);
    return pattern === undefined ? names : names.filter((each) => pattern.test(each));
  }
}

function parts(path: string): readonly string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** A pattern of Go's `filepath.Match` for one name; `undefined` when it is malformed. */
function namePattern(name: string): RegExp | undefined {
  let source = "^";
  for (let at = 0; at < name.length; at++) {
    const char = name.charAt(at);
    if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (char === "\\") source += literal(name.charAt(++at));
    else if (char === "[") {
      const end = name.indexOf("]", at + 2);
      if (end < 0) return undefined;
      source += `[${name.slice(at + 1, end).replaceAll("[", "\\[")}]`;
      at = end;
    } else source += literal(char);
  }
  try {
    return new RegExp(`${source.replaceAll(/(\.\*)+/g, ".*")}$`, "su");
  } catch {
    return undefined;
  }
}

function literal(char: string): string {
  return char.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
