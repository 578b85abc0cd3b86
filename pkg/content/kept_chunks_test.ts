import assert from "node:assert/strict";
import { KeptChunks } from "./kept_chunks.ts";
import { randomBytes, sha256 } from "./testing.ts";

Deno.test("KeptChunks keeps copies as long as there is room", () => {
  const kept = new KeptChunks(10 << 20);
  const buffer = new Uint8Array(3 << 20);
  const chunks = [1 << 20, 3 << 20, 3 << 20, 100, 3 << 20, 1, 2 << 20].map((bytes, seed) =>
    randomBytes(bytes, seed * 2)
  );
  for (const chunk of chunks) {
    buffer.set(chunk);
    kept.add(sha256(chunk), buffer.subarray(0, chunk.length));
  }
  const found = chunks.map((chunk) => kept.get(sha256(chunk)));
  assert.deepEqual(found.map((each) => each?.length), [
    1 << 20,
    3 << 20,
    3 << 20,
    100,
    undefined,
    1,
    2 << 20,
  ]);
  for (const [at, chunk] of chunks.entries()) assert.deepEqual(found[at] ?? chunk, chunk);
});
