import assert from "node:assert/strict";
import { contentIdOf } from "./content_id.ts";
import { fileEntry, otherEntry, sha256 } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

const TREE: readonly ContentEntry[] = [
  fileEntry("a.txt", "a"),
  otherEntry("folder", "folder"),
  fileEntry("folder/b.txt", "b"),
  otherEntry("folder/deeper", "folder"),
  fileEntry("folder/deeper/c.txt", "c"),
  otherEntry("link", "link", "a.txt"),
  fileEntry("z.txt", "z"),
];

const replaced = (index: number, entry: ContentEntry): readonly ContentEntry[] => TREE.with(index, entry);
const id = (entries: readonly ContentEntry[]): string => contentIdOf(entries).join();

Deno.test("contentIdOf() differs for trees that differ, and not for other times", async (t) => {
  const other: Readonly<Record<string, readonly ContentEntry[]>> = {
    "another content": replaced(4, fileEntry("folder/deeper/c.txt", "C")),
    "another name": replaced(0, fileEntry("A.txt", "a")),
    "another mode": replaced(0, fileEntry("a.txt", "a", { mode: 0o755 })),
    "another mode of a folder": replaced(1, { ...otherEntry("folder", "folder"), mode: 0o700 }),
    "another target": replaced(5, otherEntry("link", "link", "b.txt")),
    "a hard link instead": replaced(5, otherEntry("link", "hard_link", "a.txt")),
    "a file less": TREE.slice(0, -1),
    "an empty folder more": [...TREE, otherEntry("zz", "folder")],
    "a file in another folder": replaced(4, fileEntry("folder/c.txt", "c")),
  };
  const seen = new Map([[id(TREE), "the tree itself"]]);
  for (const [name, tree] of Object.entries(other)) {
    await t.step(name, () => {
      assert.equal(seen.get(id(tree)), undefined);
      seen.set(id(tree), name);
    });
  }
  await t.step("other times", () => {
    assert.equal(id(TREE.map((entry) => ({ ...entry, modifiedAtNs: 5n }))), id(TREE));
  });
});

/** The digest of a whole file is never compared with bytes: an image must not be found by it. */
Deno.test("contentIdOf() counts a file by its chunks, not by the digest that a client names for the whole", () => {
  const [first, second] = [sha256(new Uint8Array([1])), sha256(new Uint8Array([2]))];
  const cut = (...digests: readonly Uint8Array[]): readonly ContentEntry[] =>
    replaced(0, fileEntry("a.txt", "ab", { chunks: digests.map((digest) => ({ digest, bytes: 1 })) }));
  const ids = [cut(first, second), cut(second, first), cut(first), cut(second), cut()].map(id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(id(replaced(0, fileEntry("a.txt", "a", { sha256: second }))), id(TREE));
});

Deno.test("contentIdOf() tells a file of two chunks from one that holds the digests of these", () => {
  const [first, second] = [sha256(new Uint8Array([1])), sha256(new Uint8Array([2]))];
  const joined = new Uint8Array([...first, ...second]);
  const withChunks = (...digests: readonly Uint8Array[]): readonly ContentEntry[] =>
    replaced(0, fileEntry("a.txt", "ab", { chunks: digests.map((digest) => ({ digest, bytes: 1 })) }));
  assert.notEqual(id(withChunks(first, second)), id(withChunks(sha256(joined))));
});
