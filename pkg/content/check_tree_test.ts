import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { TreeCheck } from "./check_tree.ts";
import { fileEntry, otherEntry } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

function check(entries: readonly ContentEntry[]): void {
  const tree = new TreeCheck();
  for (const entry of entries) tree.add(entry);
}

Deno.test("TreeCheck takes a tree as the walk lists it", () => {
  check([
    otherEntry("a", "folder"),
    otherEntry("a/b", "folder"),
    fileEntry("a/b/c", "c"),
    fileEntry("a/d", "d"),
    fileEntry("a-x", "x"),
    otherEntry("hard", "hard_link", "a/b/c"),
    otherEntry("link", "link", "/etc/passwd"),
    otherEntry("z", "folder"),
  ]);
});

Deno.test("TreeCheck refuses what is no tree", async (t) => {
  const cases: Readonly<Record<string, readonly ContentEntry[]>> = {
    "a path twice": [fileEntry("a", "1"), fileEntry("a", "2")],
    "another order": [fileEntry("b", "1"), fileEntry("a", "2")],
    "a folder that is not listed": [fileEntry("a/b", "1")],
    "a file in a file": [fileEntry("a", "1"), fileEntry("a/b", "1")],
    "a file in a link": [otherEntry("a", "link", "b"), fileEntry("a/b", "1")],
    "a folder between that is not listed": [otherEntry("a", "folder"), fileEntry("a/b/c", "1")],
    "a link to nowhere": [otherEntry("a", "link")],
    "a hard link to nothing": [otherEntry("a", "hard_link", "b")],
    "a hard link to a folder": [otherEntry("a", "folder"), otherEntry("b", "hard_link", "a")],
    "a hard link to what follows": [otherEntry("a", "hard_link", "b"), fileEntry("b", "1")],
  };
  for (const [name, entries] of Object.entries(cases)) {
    await t.step(
      name,
      () => assert.throws(() => check(entries), (error) => isFault(error, "invalid_argument")),
    );
  }
});
