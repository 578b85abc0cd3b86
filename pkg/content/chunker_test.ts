import assert from "node:assert/strict";
import { Chunker, type ChunkSizes, CONTENT_CHUNKS, MANIFEST_CHUNKS } from "./chunker.ts";
import { randomBytes, sha256 } from "./testing.ts";

const SMALL: ChunkSizes = { min: 1 << 10, average: 4 << 10, max: 16 << 10 };

/** The chunks of `bytes`, pushed in pieces of these lengths by turns. */
function cut(bytes: Uint8Array, sizes: ChunkSizes, pieces: readonly number[] = [64 << 10]): Uint8Array[] {
  const chunker = new Chunker(sizes);
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = pieces[turn % pieces.length] ?? 1;
    for (const chunk of chunker.push(bytes.subarray(at, at + length))) chunks.push(chunk.slice());
    at += length;
  }
  for (const chunk of chunker.end()) chunks.push(chunk.slice());
  return chunks;
}

const digests = (chunks: readonly Uint8Array[]): string[] => chunks.map((chunk) => sha256(chunk).join());

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

Deno.test("Chunker cuts the same chunks however the bytes arrive", async (t) => {
  const bytes = randomBytes(300_000, 7);
  const expected = digests(cut(bytes, SMALL));
  for (const pieces of [[1 << 20], [1, 7, 4_096], [1_023, 1_025], [16 << 10]]) {
    await t.step(`pieces of ${pieces}`, () => assert.deepEqual(digests(cut(bytes, SMALL, pieces)), expected));
  }
});

Deno.test("Chunker loses no byte and keeps its bounds, on every kind of content", async (t) => {
  const cases: Readonly<Record<string, Uint8Array>> = {
    nothing: new Uint8Array(0),
    "one byte": new Uint8Array(1),
    zeros: new Uint8Array(100_000),
    "the smallest chunk": randomBytes(SMALL.min, 3),
    "the largest chunk": randomBytes(SMALL.max, 3),
    "one more than the largest": randomBytes(SMALL.max + 1, 3),
    random: randomBytes(500_000, 9),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    await t.step(name, () => {
      const chunks = cut(bytes, SMALL);
      assert.deepEqual(joined(chunks), bytes);
      for (const [index, { length }] of chunks.entries()) {
        assert.ok(length <= SMALL.max);
        assert.ok(length >= SMALL.min || index === chunks.length - 1);
      }
    });
  }
});

Deno.test("Chunker changes few chunks when few bytes change", async (t) => {
  const before = randomBytes(8 << 20, 11);
  const edits: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
    "a byte in the middle": (bytes) => bytes.with(4 << 20, (bytes[4 << 20] ?? 0) ^ 1),
    "a byte more at the beginning": (bytes) => joined([new Uint8Array(1), bytes]),
    "a megabyte less in the middle": (bytes) => joined([bytes.subarray(0, 3 << 20), bytes.subarray(4 << 20)]),
  };
  const known = new Set(digests(cut(before, MANIFEST_CHUNKS)));
  for (const [name, edit] of Object.entries(edits)) {
    await t.step(name, () => {
      const chunks = cut(edit(before), MANIFEST_CHUNKS);
      const added = digests(chunks).filter((digest) => !known.has(digest));
      assert.ok(chunks.length > 50);
      assert.ok(added.length <= 3, `${added.length} of ${chunks.length} chunks are new`);
    });
  }
});

Deno.test("Chunker cuts content in chunks of about the average size", () => {
  const chunks = cut(randomBytes(64 << 20, 5), CONTENT_CHUNKS, [1 << 20]);
  const average = (64 << 20) / chunks.length;
  assert.ok(average > CONTENT_CHUNKS.average / 2 && average < CONTENT_CHUNKS.average * 2, String(average));
});

/** With the largest chunk of the manifest it is less than 2 MB that a deploy sends. */
Deno.test("Chunker keeps one changed byte of a large file within one chunk", () => {
  const before = randomBytes(32 << 20, 17);
  const known = new Set(digests(cut(before, CONTENT_CHUNKS, [1 << 20])));
  assert.ok(CONTENT_CHUNKS.max + MANIFEST_CHUNKS.max < 2_000_000);
  for (const at of [1 << 20, 5 << 20, 13 << 20, 21 << 20, 30 << 20]) {
    const chunks = cut(before.with(at, (before[at] ?? 0) ^ 1), CONTENT_CHUNKS, [1 << 20]);
    assert.equal(digests(chunks).filter((digest) => !known.has(digest)).length, 1, `byte ${at}`);
  }
});

/** The cuts are a part of what is stored: with others, everything would be sent again. */
Deno.test("Chunker cuts known bytes where it always has", () => {
  const lengths = cut(randomBytes(64 << 10, 1), SMALL).map(({ length }) => length);
  assert.deepEqual(lengths, [
    4690,
    4126,
    3312,
    5374,
    1421,
    2170,
    6552,
    9689,
    4379,
    10142,
    2106,
    3267,
    7085,
    1223,
  ]);
});
