import assert from "node:assert/strict";
import { isFault } from "../fault/mod.ts";
import { type Entry, listBuildContext } from "../archive/mod.ts";
import { digestFolder } from "./folder.ts";
import { KeptChunks } from "./kept_chunks.ts";
import { randomBytes, sha256 } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

const { signal } = new AbortController();

class Folder implements AsyncDisposable {
  readonly root: string;
  readonly cacheDirectory: string;

  private constructor(base: string) {
    this.root = `${base}/root`;
    this.cacheDirectory = `${base}/cache`;
  }

  static async create(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<Folder> {
    const folder = new Folder(await Deno.makeTempDir({ prefix: "unkey-content-" }));
    await Deno.mkdir(folder.root);
    for (const [path, bytes] of Object.entries(files)) await Deno.writeFile(`${folder.root}/${path}`, bytes);
    return folder;
  }

  /** As the walk lists it, an hour ago. */
  entry(path: string, more: Partial<Entry> = {}): Entry {
    const { size, ino, mtime } = Deno.lstatSync(`${this.root}/${path}`);
    const stamp = `${ino}:${mtime?.getTime()}`;
    return {
      path,
      kind: "file",
      mode: 0o644,
      size,
      modifiedAtNs: 1n,
      target: "",
      stamp,
      changedAtMs: 0,
      ...more,
    };
  }

  async digest(
    entries: readonly Entry[],
    more: Partial<Parameters<typeof digestFolder>[0]> = {},
  ): Promise<readonly ContentEntry[]> {
    const { root, cacheDirectory } = this;
    return await digestFolder({ root, entries, cacheDirectory, nowMs: 3_600_000, signal, ...more });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root.replace(/\/root$/, ""), { recursive: true });
  }
}

/** Of the bytes, or of the digests of what the chunks hold of them. */
function contentDigest(bytes: Uint8Array, chunks: ContentEntry["chunks"]): Uint8Array {
  if (chunks.length < 2) return sha256(bytes);
  let at = 0;
  const digests = chunks.map((chunk) => sha256(bytes.subarray(at, at += chunk.bytes)));
  return sha256(new Uint8Array(digests.flatMap((digest) => [...digest])));
}

Deno.test("digestFolder() gives digests and chunks that add up to each file", async () => {
  const large = randomBytes(10 << 20, 21);
  const files = new Map([["empty", new Uint8Array(0)], ["small", randomBytes(1 << 20, 23)], [
    "large",
    large,
  ]]);
  await using folder = await Folder.create(Object.fromEntries(files));
  const found = await folder.digest([...files.keys()].map((path) => folder.entry(path)));
  for (const { path, size, sha256: digest, chunks } of found) {
    const bytes = files.get(path) ?? new Uint8Array(1);
    assert.equal(size, bytes.length);
    assert.deepEqual(digest, contentDigest(bytes, chunks));
    let at = 0;
    for (const chunk of chunks) {
      assert.deepEqual(chunk.digest, sha256(bytes.subarray(at, at + chunk.bytes)));
      at += chunk.bytes;
    }
    assert.equal(at, bytes.length);
  }
  assert.deepEqual(found.map(({ chunks }) => Math.min(chunks.length, 2)), [0, 1, 2]);
});

Deno.test("digestFolder() does not read a file again whose stamp is known", async () => {
  const files = { "small": randomBytes(10, 1), "large": randomBytes(3 << 20, 1) };
  await using folder = await Folder.create(files);
  const entries = Object.keys(files).map((path) => folder.entry(path));
  const first = await folder.digest(entries);
  for (const path of Object.keys(files)) await Deno.remove(`${folder.root}/${path}`);
  assert.deepEqual(await folder.digest(entries), first);
});

Deno.test("digestFolder() reads a file again when it may have changed", async (t) => {
  const cases: Readonly<Record<string, Partial<Entry>>> = {
    "another stamp": { stamp: "other" },
    "another size": { size: 11 },
  };
  for (const [name, change] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using folder = await Folder.create({ a: randomBytes(10, 1) });
      await folder.digest([folder.entry("a")]);
      await Deno.writeFile(`${folder.root}/a`, randomBytes(10, 5));
      const [found] = await folder.digest([folder.entry("a", change)]);
      assert.deepEqual(found?.sha256, sha256(randomBytes(10, 5)));
    });
  }
  await t.step("a change a moment before the first read", async () => {
    await using folder = await Folder.create({ a: randomBytes(10, 1) });
    const entry = folder.entry("a", { stamp: "same", changedAtMs: 3_599_000 });
    await folder.digest([entry]);
    await Deno.writeFile(`${folder.root}/a`, randomBytes(10, 5));
    const [found] = await folder.digest([entry]);
    assert.deepEqual(found?.sha256, sha256(randomBytes(10, 5)));
  });
});

Deno.test("digestFolder() leaves out what is gone, and what no image holds", async () => {
  await using folder = await Folder.create({ kept: randomBytes(3, 1), gone: randomBytes(3, 1) });
  const entries = [
    folder.entry("gone"),
    folder.entry("gone", { path: "other", kind: "hard_link", target: "gone" }),
    folder.entry("kept"),
    folder.entry("kept", { path: "pipe", kind: "pipe" }),
    folder.entry("kept", { path: "socket", kind: "socket" }),
    folder.entry("kept", { path: "link", kind: "link", target: "nowhere" }),
  ];
  await Deno.remove(`${folder.root}/gone`);
  assert.deepEqual((await folder.digest(entries)).map(({ path }) => path), ["kept", "link"]);
});

Deno.test("digestFolder() works without a cache that can be read or written", async () => {
  await using folder = await Folder.create({ a: randomBytes(3, 1) });
  await Deno.writeTextFile(folder.cacheDirectory, "a file where the folder should be");
  assert.equal((await folder.digest([folder.entry("a")])).length, 1);
});

Deno.test("digestFolder() ignores a cache of junk", async () => {
  await using folder = await Folder.create({ a: randomBytes(3, 1) });
  const entries = [folder.entry("a")];
  const first = await folder.digest(entries);
  for await (const { name } of Deno.readDir(`${folder.cacheDirectory}/digests`)) {
    await Deno.writeTextFile(`${folder.cacheDirectory}/digests/${name}`, "[1]\n[1,2,3]\n{}\nnot JSON");
  }
  assert.deepEqual(await folder.digest(entries), first);
});

Deno.test("digestFolder() names a file that cannot be read", async () => {
  await using folder = await Folder.create({ a: randomBytes(3, 1) });
  await Deno.remove(`${folder.root}/a`);
  await Deno.symlink("a", `${folder.root}/a`);
  const entry: Entry = { ...folder.entry("a"), kind: "file" };
  const refuses = (): Promise<void> =>
    assert.rejects(
      folder.digest([entry]),
      (error) => isFault(error, "failed_precondition") && /^"a" cannot be read/.test(error.message),
    );
  await refuses();
  await Deno.remove(`${folder.root}/a`);
  await Deno.mkdir(`${folder.root}/a`);
  await refuses();
});

Deno.test("digestFolder() reads a file again whose digests were found to be wrong, and keeps the new ones", async () => {
  await using folder = await Folder.create({ a: randomBytes(10, 1) });
  const entry = folder.entry("a");
  await folder.digest([entry]);
  await Deno.writeFile(`${folder.root}/a`, randomBytes(10, 5));
  const expected = sha256(randomBytes(10, 5));
  const [read] = await folder.digest([entry], { changed: new Set(["a"]) });
  assert.deepEqual(read?.sha256, expected);
  const [kept] = await folder.digest([entry]);
  assert.deepEqual(kept?.sha256, expected);
});

Deno.test("digestFolder() ends in the middle of a large file when the signal aborts", async () => {
  await using folder = await Folder.create({ large: new Uint8Array(0) });
  await Deno.truncate(`${folder.root}/large`, 4 * 2 ** 30); // takes no room on the disk
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error("stopped")));
  await assert.rejects(folder.digest([folder.entry("large")], { signal: abort.signal }), /stopped/);
  clearTimeout(timer);
});

Deno.test("digestFolder() keeps the content of small files that it reads", async () => {
  const files = { "small": randomBytes(10, 1), "large": randomBytes(3 << 20, 1) };
  await using folder = await Folder.create(files);
  const dockerfile = { file: `${folder.root}/Dockerfile`, name: "Dockerfile" };
  const { entries } = await listBuildContext(folder.root, { dockerfile, includeGit: false }, signal);
  const kept = new KeptChunks(8 << 20);
  const nowMs = 4_000_000_000_000; // long after the files were written
  await folder.digest(entries, { kept, nowMs });
  assert.deepEqual(kept.get(sha256(files.small)), files.small);
  assert.equal(kept.get(sha256(files.large)), undefined);
  const again = new KeptChunks(8 << 20);
  await folder.digest(entries, { kept: again, nowMs });
  assert.equal(again.get(sha256(files.small)), undefined, "an unchanged file is not read");
});

/** The walk has seen another file than the one that is read now. */
Deno.test("digestFolder() gives the content that a file has when it is read, also when it changed after the walk", async () => {
  await using folder = await Folder.create({ a: randomBytes(10, 1) });
  const dockerfile = { file: `${folder.root}/Dockerfile`, name: "Dockerfile" };
  const { entries } = await listBuildContext(folder.root, { dockerfile, includeGit: false }, signal);
  for (const bytes of [randomBytes(10, 5), randomBytes(11, 5), randomBytes(3 << 20, 5), new Uint8Array(0)]) {
    await Deno.writeFile(`${folder.root}/a`, bytes);
    const [found] = await folder.digest(entries);
    const expected = contentDigest(bytes, found?.chunks ?? []);
    assert.deepEqual([found?.size, found?.sha256], [bytes.length, expected]);
  }
});
