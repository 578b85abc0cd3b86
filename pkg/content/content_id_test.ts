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

/** A generator that repeats itself for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

/** A folder's entries in the order of the walk, with folders down to three levels. */
function randomTree(random: (below: number) => number, prefix = "", depth = 0): readonly ContentEntry[] {
  const names = new Set(Array.from({ length: 1 + random(5) }, () => "abcdefgh"[random(8)] ?? "a"));
  return [...names].sort().flatMap((name) => {
    const path = `${prefix}${name}`;
    const kind = random(6);
    if (kind === 0) return [otherEntry(path, "link", random(2) === 0 ? "a" : "../b")];
    if (kind > 2 || depth === 3) return [fileEntry(path, `content ${random(3)}`)];
    return [otherEntry(path, "folder"), ...randomTree(random, `${path}/`, depth + 1)];
  });
}

/** One change of one entry that a build could see. */
function changed(random: (below: number) => number, entry: ContentEntry): readonly ContentEntry[] {
  const { path, kind, mode, target } = entry;
  const change = random(4);
  if (change === 0) return [{ ...entry, mode: mode ^ (1 << random(9)) }];
  if (change === 1 && kind !== "folder") return [];
  if (change === 2 && kind !== "folder") return [entry, fileEntry(`${path}.new`, "")];
  if (kind === "link") return [{ ...entry, target: `${target}x` }];
  return kind === "file"
    ? [fileEntry(path, `other ${random(1_000)}`, { mode })]
    : [{ ...entry, mode: mode ^ 1 }];
}

Deno.test("contentIdOf() tells a random tree from the same one with one change, and from no other times", () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = randomOf(seed);
    const tree = randomTree(random);
    const at = random(tree.length);
    const entry = tree[at];
    assert.ok(entry !== undefined);
    const other = [...tree.slice(0, at), ...changed(random, entry), ...tree.slice(at + 1)];
    assert.notEqual(id(other), id(tree), `seed ${seed}: ${entry.kind} ${entry.path}`);
    const later = tree.map((each) => ({ ...each, modifiedAtNs: BigInt(random(1_000_000)) }));
    assert.equal(id(later), id(tree), `seed ${seed}`);
  }
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
