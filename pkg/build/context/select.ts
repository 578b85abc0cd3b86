import { isPattern, NamePattern, type Work } from "./name_pattern.ts";
import type { ContextEntry, ContextTree } from "./tree.ts";

/** An entry of a synchronization, and where its content is. */
export interface Selected {
  readonly entry: ContextEntry;
  /** Of a file: the entry to read. */
  readonly content: ContextEntry;
}

/** As many links are followed as Linux follows (`path_resolution(7)`). */
const LINKS_MAX = 40;
/** About a second. Beyond it the whole tree is sent, which is always right: links and wildcards can ask for endless work. */
const WORK_MAX = 20_000_000;
/** A step costs as much as some comparisons of characters. */
const STEP_WORK = 20;

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

/** A part of a path; characters of a link's target are never wildcards. */
interface Part {
  readonly name: string;
  readonly wild: boolean;
}

/** A folder that a path has led to, and the rest of the path. */
interface Step {
  readonly folder: string;
  readonly rest: readonly Part[];
  readonly at: number;
  readonly links: number;
}

class Selection {
  readonly #entries: readonly ContextEntry[];
  readonly #byPath = new Map<string, ContextEntry>();
  readonly #children = new Map<string, string[]>();
  /** Selected with all that is below. */
  readonly #roots = new Set<string>();
  /** Selected by themselves. */
  readonly #single = new Set<string>();
  readonly #work: Work = { left: WORK_MAX };
  readonly #pending: Step[] = [];

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
    for (const path of paths) {
      this.#pending.push({ folder: "", rest: parts(path, { wild: true }), at: 0, links: 0 });
      // Without recursion: targets of links can make a path of many thousand parts.
      for (let step = this.#pending.pop(); step !== undefined; step = this.#pending.pop()) {
        this.#follow(step);
        if (this.#work.left <= 0) return this.#entries;
      }
    }
    if (this.#roots.has("")) return this.#entries;
    const under = new Set<string>();
    return this.#entries.filter(({ path }) => {
      const at = path.lastIndexOf("/");
      const chosen = this.#roots.has(path) || (at > 0 && under.has(path.slice(0, at)));
      if (chosen) under.add(path);
      return chosen || this.#single.has(path);
    });
  }

  /** Selects what the next part names, and leaves the steps behind it for later. */
  #follow(step: Step): void {
    const { folder, rest, at } = step;
    this.#work.left -= STEP_WORK;
    const part = rest[at];
    if (part === undefined) this.#roots.add(folder);
    else if (part.name === "..") this.#pending.push({ ...step, folder: parentOf(folder), at: at + 1 });
    else if (part.wild && isPattern(part.name)) {
      for (const name of this.#matching(folder, part.name)) this.#enter(step, name);
    } else this.#enter(step, part.name);
  }

  #enter({ folder, rest, at, links }: Step, name: string): void {
    const path = folder === "" ? name : `${folder}/${name}`;
    const entry = this.#byPath.get(path);
    if (entry === undefined) return;
    const leadsOn = entry.kind === "folder" || entry.kind === "link";
    if (!leadsOn && at + 1 < rest.length) return;
    this.#single.add(path);
    if (entry.kind !== "link") this.#pending.push({ folder: path, rest, at: at + 1, links });
    else if (links < LINKS_MAX) {
      const target = [...parts(entry.target, { wild: false }), ...rest.slice(at + 1)];
      this.#work.left -= target.length;
      const from = entry.target.startsWith("/") ? "" : folder;
      this.#pending.push({ folder: from, rest: target, at: 0, links: links + 1 });
    }
  }

  #matching(folder: string, name: string): readonly string[] {
    const names = this.#children.get(folder) ?? [];
    const pattern = NamePattern.parse(name);
    this.#work.left -= name.length + names.length;
    return pattern === undefined ? names : names.filter((each) => pattern.matches(each, this.#work));
  }
}

function parts(path: string, { wild }: { readonly wild: boolean }): readonly Part[] {
  return path.split("/").filter((part) => part !== "" && part !== ".").map((name) => ({ name, wild }));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
