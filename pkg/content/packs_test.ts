import assert from "node:assert/strict";
import { digestKey } from "./digest.ts";
import { KeptChunks } from "./kept_chunks.ts";
import { ContentChanged, type Pack, packFiles, PackWriter, unpackChunk } from "./packs.ts";
import { fileEntry, randomBytes, sha256 } from "./testing.ts";
import type { ContentEntry } from "./types.ts";

/** Files on disk, with their entries; random ones cannot be deflated. */
async function withFiles(
  test: (root: string, entries: readonly ContentEntry[]) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "unkey-packs-" });
  try {
    const contents: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
      "a.txt": new TextEncoder().encode("text ".repeat(1_000)),
      "copy.txt": new TextEncoder().encode("text ".repeat(1_000)),
      "empty": new Uint8Array(0),
      ...Object.fromEntries(
        Array.from({ length: 12 }, (_, seed) => [`r${seed}`, randomBytes(900_000, seed * 2 + 3)]),
      ),
    };
    const entries: ContentEntry[] = [];
    for (const [path, bytes] of Object.entries(contents)) {
      await Deno.writeFile(`${root}/${path}`, bytes);
      const digest = sha256(bytes);
      const chunks = bytes.length === 0 ? [] : [{ digest, bytes: bytes.length }];
      entries.push({ ...fileEntry(path, ""), size: bytes.length, sha256: digest, chunks });
    }
    await test(root, entries);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const all = (): boolean => true;

function packsOf(
  root: string,
  entries: readonly ContentEntry[],
  isMissing: Parameters<typeof packFiles>[2],
  kept?: KeptChunks,
): readonly Pack[] {
  const writer = new PackWriter();
  const packs = [...packFiles(writer, { root, entries, kept }, isMissing)];
  const last = writer.end();
  return last === undefined ? packs : [...packs, last];
}

Deno.test("packFiles() holds each chunk once, and unpackChunk() gives it back", async () => {
  await withFiles(async (root, entries) => {
    const packs = packsOf(root, entries, all);
    assert.ok(packs.length > 1, "more than one pack");
    const found = new Map<string, Uint8Array>();
    for (const { bytes, checksumSha256, chunks } of packs) {
      assert.equal(checksumSha256, btoa(String.fromCharCode(...sha256(bytes))));
      for (const chunk of chunks) {
        assert.ok(!found.has(digestKey(chunk.digest)), "a chunk is packed once");
        found.set(digestKey(chunk.digest), unpackChunk(bytes, chunk) ?? new Uint8Array(0));
      }
    }
    for (const { path, chunks: [chunk] } of entries) {
      if (chunk === undefined) continue;
      const plain = found.get(digestKey(chunk.digest)) ?? new Uint8Array(0);
      assert.deepEqual(sha256(plain), sha256(await Deno.readFile(`${root}/${path}`)));
    }
    assert.equal(found.size, 13, "the copy and the empty file have no chunk of their own");
    assert.ok((packs[0]?.chunks[0]?.storedBytes ?? 5_000) < 500, "text is deflated");
  });
});

Deno.test("packFiles() packs the missing chunks only", async () => {
  await withFiles((root, entries) => {
    const wanted = entries.find(({ path }) => path === "r3")?.chunks[0];
    const packs = packsOf(root, entries, (chunk) => chunk === wanted);
    assert.deepEqual(packs.map(({ chunks }) => chunks.map(({ digest }) => digest)), [[wanted?.digest]]);
    return Promise.resolve();
  });
});

/** They are what was read for the digests, so that a change since then does not matter to them. */
Deno.test("packFiles() reads no file whose chunk is kept", async () => {
  await withFiles(async (root, entries) => {
    const kept = new KeptChunks(1 << 20);
    const chunk = entries.find(({ path }) => path === "r3")?.chunks[0];
    assert.ok(chunk !== undefined);
    const plain = await Deno.readFile(`${root}/r3`);
    kept.add(chunk.digest, plain);
    await Deno.remove(`${root}/r3`);
    const [pack] = packsOf(root, entries, (each) => each === chunk, kept);
    const [packed] = pack?.chunks ?? [];
    assert.ok(pack !== undefined && packed !== undefined);
    assert.deepEqual(sha256(unpackChunk(pack.bytes, packed) ?? new Uint8Array(0)), sha256(plain));
  });
});

Deno.test("packFiles() ends when a file is not what its digests say", async (t) => {
  const changes: Readonly<Record<string, (path: string) => Promise<void>>> = {
    "another content": (path) => Deno.writeFile(path, randomBytes(900_000, 99)),
    "shorter": (path) => Deno.truncate(path, 10),
    "gone": (path) => Deno.remove(path),
    "a folder": async (path) => {
      await Deno.remove(path);
      await Deno.mkdir(path);
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(name, () =>
      withFiles(async (root, entries) => {
        await change(`${root}/r7`);
        assert.throws(() => packsOf(root, entries, all), (error) =>
          error instanceof ContentChanged && error.path === "r7");
      }));
  }
});

Deno.test("unpackChunk() gives nothing for a place that does not hold the chunk", async (t) => {
  await withFiles(async (root, entries) => {
    const [pack] = packsOf(root, entries, all);
    const [chunk] = pack?.chunks ?? [];
    assert.ok(pack !== undefined && chunk !== undefined);
    const other = pack.chunks[1] ?? chunk;
    const cases: Readonly<Record<string, Pack["chunks"][number]>> = {
      "another place": { ...chunk, offset: chunk.offset + 1 },
      "beyond the end": { ...chunk, offset: pack.bytes.length },
      "another digest": { ...chunk, digest: other.digest },
      "another length": { ...chunk, bytes: chunk.bytes - 1 },
      "not deflated": { ...other, deflated: true },
      "more than a chunk may have": { ...chunk, bytes: 1 << 30 },
    };
    for (const [name, wrong] of Object.entries(cases)) {
      await t.step(name, () => assert.equal(unpackChunk(pack.bytes, wrong), undefined));
    }
  });
});

Deno.test("PackWriter deflates a chunk that gets smaller, whatever its size and wherever its text is", async (t) => {
  const text = new TextEncoder().encode("export const value = compute(1234);\n".repeat(6_000));
  const random = randomBytes(text.length, 7);
  const cases: Readonly<Record<string, readonly [plain: Uint8Array, deflated: boolean]>> = {
    "text": [text, true],
    "a little text": [text.subarray(0, 300), true],
    "few bytes": [text.subarray(0, 4), false],
    "random bytes": [random, false],
    "few random bytes": [random.subarray(0, 300), false],
    "text behind random bytes": [new Uint8Array([...random, ...text]), true],
    "random bytes behind text": [new Uint8Array([...text, ...random]), true],
  };
  for (const [name, [plain, deflated]] of Object.entries(cases)) {
    await t.step(name, () => {
      const writer = new PackWriter();
      writer.add({ digest: sha256(plain), bytes: plain.length }, plain);
      const pack = writer.end();
      const [chunk] = pack?.chunks ?? [];
      assert.ok(pack !== undefined && chunk !== undefined);
      assert.equal(chunk.deflated, deflated);
      assert.deepEqual(sha256(unpackChunk(pack.bytes, chunk) ?? new Uint8Array(0)), sha256(plain));
    });
  }
});
