import assert from "node:assert/strict";
import { comparePaths } from "../../content/mod.ts";
import { selectEntries } from "./select.ts";
import type { ContextEntry, ContextTree } from "./tree.ts";

/** `a` is a file, `a/` a folder, `a -> b` a link, `a => b` a hard link. */
function tree(...lines: readonly string[]): ContextTree {
  const entries = lines.map((line): ContextEntry => {
    const [, path = "", arrow = "", target = ""] = /^(.*?)(?: (->|=>) (.*))?$/s.exec(line) ?? [];
    const kind = arrow === "->"
      ? "link"
      : arrow === "=>"
      ? "hard_link"
      : path.endsWith("/")
      ? "folder"
      : "file";
    return { path: path.replace(/\/$/, ""), kind, mode: 0o640, size: 3, modifiedAtNs: 7n, target };
  });
  return {
    entries: entries.sort((a, b) => comparePaths(a.path, b.path)),
    read: () => assert.fail("nothing is read"),
  };
}

function selected(context: ContextTree, paths: readonly string[]): readonly string[] {
  return selectEntries(context, paths).map(({ entry }) => entry.path);
}

const TREE = tree(
  "Dockerfile",
  "app/",
  "app/[x]",
  "app/main.js",
  "app/main.ts",
  "app/sub/",
  "app/sub/deep.js",
  "app/ä1",
  "lib/",
  "lib/a.js",
  "lib/self -> self",
  "links/",
  "links/abs -> /lib",
  "links/chain -> abs",
  "links/dangling -> nowhere",
  "links/file -> ../app/main.js",
  "links/out -> ../../../etc/passwd",
  "links/star -> ../*",
  "loop-a -> loop-b",
  "loop-b -> loop-a",
  "root -> .",
);

Deno.test("selectEntries() takes the paths, their parents, all below, and the targets of links", async (t) => {
  const all = TREE.entries.map(({ path }) => path);
  const lib = ["lib", "lib/a.js", "lib/self"];
  const app = all.filter((path) => /^app(\/|$)/.test(path));
  const table: readonly (readonly [readonly string[], readonly string[]])[] = [
    [[], all],
    [["/"], all],
    [["."], all],
    [[""], all],
    [["Dockerfile"], ["Dockerfile"]],
    [["/Dockerfile"], ["Dockerfile"]],
    [["app"], app],
    [["app/"], app],
    [["app/main.js"], ["app", "app/main.js"]],
    [["app/../lib"], ["app", ...lib]],
    [["../lib"], lib],
    [["nothing", "lib/nothing"], ["lib"]],
    [["Dockerfile/below"], []],
    [["app/*.js"], ["app", "app/main.js"]],
    [["app/main.?s"], ["app", "app/main.js", "app/main.ts"]],
    [["app/main.[!-k]s"], ["app", "app/main.js"]],
    [["app/main.[^a-k]s"], ["app", "app/main.ts"]],
    [["*/*.js"], ["app", "app/main.js", "lib", "lib/a.js", "links", "loop-a", "loop-b", "root"]],
    [["app/\\[x]"], ["app", "app/[x]"]],
    [["app/[[]x]"], ["app", "app/[x]"]],
    [["app/[x]"], ["app"]],
    [["app/?1"], ["app", "app/ä1"]],
    [["app/[à-å]1"], ["app", "app/ä1"]],
    // Malformed: BuildKit decides.
    [["app/["], app],
    [["links/file"], ["app", "app/main.js", "links", "links/file"]],
    [["links/abs"], [...lib, "links", "links/abs"]],
    [["links/abs/a.js"], ["lib", "lib/a.js", "links", "links/abs"]],
    [["links/chain"], [...lib, "links", "links/abs", "links/chain"]],
    [["links/dangling"], ["links", "links/dangling"]],
    [["links/out"], ["links", "links/out"]],
    [["links/star"], ["links", "links/star"]],
    [["lib/self"], ["lib", "lib/self"]],
    [["loop-a"], ["loop-a", "loop-b"]],
    [["root/lib/a.js"], ["lib", "lib/a.js", "root"]],
    [["root"], all],
    [["app/main.js", "lib/a.js"], ["app", "app/main.js", "lib", "lib/a.js"]],
  ];
  for (const [paths, expected] of table) {
    await t.step(JSON.stringify(paths), () => {
      const ordered = [...expected].sort(comparePaths);
      assert.deepEqual(selected(TREE, paths), ordered);
    });
  }
});

Deno.test("selectEntries() gives the first selected name of a file the content, and links the others to it", async (t) => {
  const context = tree("a/", "a/x", "b/", "b/y => a/x", "c/", "c/z => a/x", "d", "e -> d");
  const described = (paths: readonly string[]): readonly string[] =>
    selectEntries(context, paths).map(({ entry: { kind, path, target, size, mode }, content }) => {
      assert.ok(kind === "link" || kind === "folder" || (size === 3 && mode === 0o640));
      return `${kind} ${path} ${target} < ${content.path}`;
    });
  const table: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["b"], ["folder b  < b", "file b/y  < a/x"]],
    [["b", "c"], ["folder b  < b", "file b/y  < a/x", "folder c  < c", "hard_link c/z b/y < a/x"]],
    [["a", "c"], ["folder a  < a", "file a/x  < a/x", "folder c  < c", "hard_link c/z a/x < a/x"]],
    [["e"], ["file d  < d", "link e d < e"]],
  ];
  for (const [paths, expected] of table) {
    await t.step(paths.join(" "), () => assert.deepEqual(described(paths), expected));
  }
  await t.step("without hard links each entry is sent as it is", () => {
    for (const { entry, content } of selectEntries(TREE, [])) assert.equal(entry, content);
  });
});

/** The Dockerfile and the links are a stranger's, and all builds of a worker share its thread. */
Deno.test("selectEntries() bounds its work, and sends the whole tree beyond", async (t) => {
  const links = tree("a/", ...Array.from({ length: 40 }, (_, at) => `l${at} -> .`), "never");
  const names = tree(...Array.from({ length: 2_000 }, (_, at) => `${"a".repeat(120)}${at}`), "z/", "z/y");
  const up = tree("d/", `d/l -> ${"../d/".repeat(800)}l`, "x");
  const table = [
    ["links that lead to themselves", links, `${"*/".repeat(30)}a`, links.entries.length],
    ["many stars", names, `${"*a".repeat(60)}b`, undefined],
    ["links that make the path longer", up, "d/l", 2],
    ["a long path", names, "z/".repeat(20_000), 1],
  ] as const;
  for (const [name, context, pattern, count] of table) {
    await t.step(name, () => {
      const started = performance.now();
      const found = selected(context, [pattern]);
      assert.ok(performance.now() - started < 20_000, "an unbounded search takes years");
      if (count !== undefined) assert.equal(found.length, count);
    });
  }
});

Deno.test("selectEntries() agrees with a slow reference for random trees and paths", () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] ?? assert.fail();
  for (let round = 0; round < 3_000; round++) {
    const lines = new Map<string, string>();
    const folders = [""];
    for (let count = random(12); count > 0; count--) {
      const path = pick(folders) + pick(["a", "b", "ab", "c.js"]);
      if (lines.has(path)) continue;
      const kind = random(4);
      const target = `${pick(["", "/", "../"])}${pick(["a", "b", "a/b", ".", "ab/.", "c.js"])}`;
      lines.set(path, kind === 0 ? path : kind === 1 ? `${path} -> ${target}` : `${path}/`);
      if (kind > 1) folders.push(`${path}/`);
    }
    const context = tree(...lines.values());
    const paths = Array.from(
      { length: 1 + random(2) },
      () =>
        Array.from(
          { length: 1 + random(3) },
          () => pick(["a", "b", "a*", "*", "?", "[ab]", "*.js", "..", "c.js"]),
        )
          .join("/"),
    );
    assert.deepEqual(
      selected(context, paths),
      reference(context, paths),
      JSON.stringify({ lines: [...lines.values()], paths }),
    );
  }
});

const EXPRESSIONS: Readonly<Record<string, RegExp>> = {
  "a*": /^a.*$/,
  "*": /^.*$/,
  "?": /^.$/,
  "[ab]": /^[ab]$/,
  "*.js": /^.*\.js$/,
};

/** Walks all ways, and asks of each entry whether one of them has touched it or a folder above. */
function reference({ entries }: ContextTree, paths: readonly string[]): readonly string[] {
  const at = new Map(entries.map((entry) => [entry.path, entry]));
  const [whole, touched] = [new Set<string>(), new Set<string>()];
  const seen = new Set<string>();
  const walk = (folder: readonly string[], rest: readonly string[], wild: number, links: number): void => {
    const state = JSON.stringify([folder, rest, wild, links]);
    if (seen.has(state)) return;
    seen.add(state);
    const [name, ...after] = rest;
    if (name === undefined) return void whole.add(folder.join("/"));
    const left = Math.min(wild, after.length);
    if (name === "..") return walk(folder.slice(0, -1), after, left, links);
    const expression = wild >= rest.length ? EXPRESSIONS[name] : undefined;
    for (const { path, kind, target } of at.values()) {
      const parent = path.split("/").slice(0, -1);
      const base = path.split("/").at(-1) ?? "";
      if (parent.join("/") !== folder.join("/")) continue;
      if (expression === undefined ? base !== name : !expression.test(base)) continue;
      if (kind !== "link" && kind !== "folder" && after.length > 0) continue;
      touched.add(path);
      if (kind !== "link") walk([...folder, base], after, left, links);
      else if (links < 40) {
        const parts = target.split("/").filter((part) => part !== "" && part !== ".");
        walk(target.startsWith("/") ? [] : folder, [...parts, ...after], left, links + 1);
      }
    }
  };
  for (const path of paths) {
    const parts = path.split("/");
    walk([], parts, parts.length, 0);
  }
  const below = (path: string): boolean =>
    whole.has("") || path.split("/").some((_part, end, all) => whole.has(all.slice(0, end + 1).join("/")));
  return entries.map(({ path }) => path).filter((path) => touched.has(path) || below(path));
}
