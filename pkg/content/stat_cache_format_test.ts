import assert from "node:assert/strict";
import { decodeDigests, encodeDigests } from "./stat_cache_format.ts";
import { randomBytes, sha256 } from "./testing.ts";
import type { FileDigests } from "./types.ts";

function digest(seed: number): Uint8Array {
  return sha256(randomBytes(9, seed));
}

const KNOWN: ReadonlyMap<string, FileDigests> = new Map([
  ["1:2:3:4:0", { sha256: digest(1), chunks: [] }],
  ["1:3:3:4:17", { sha256: digest(2), chunks: [{ digest: digest(2), bytes: 17 }] }],
  ["1:4:3:4:5000000", {
    sha256: digest(3),
    chunks: [{ digest: digest(4), bytes: 4_000_000 }, { digest: digest(5), bytes: 1_000_000 }],
  }],
  ["1:5:3:4:6", { sha256: digest(6), chunks: [{ digest: digest(6), bytes: 6 }] }],
  ["1:6:3:4:9000000", {
    sha256: digest(7),
    chunks: [8, 9, 10].map((seed) => ({ digest: digest(seed), bytes: 3_000_000 })),
  }],
]);

Deno.test("decodeDigests() reads what encodeDigests() wrote", () => {
  assert.deepEqual(decodeDigests(encodeDigests(KNOWN)), KNOWN);
  assert.deepEqual(decodeDigests(encodeDigests(new Map())), new Map());
});

Deno.test("decodeDigests() refuses bytes that are no cache", async (t) => {
  const bytes = encodeDigests(KNOWN);
  const cases: Readonly<Record<string, Uint8Array>> = {
    "none": new Uint8Array(0),
    "few": new Uint8Array(40),
    "the beginning only": bytes.subarray(0, -1),
    "a bit that is wrong": bytes.with(bytes.length - 3, 0),
    "lines of JSON": new TextEncoder().encode('[1]\n["1:2:3:4:0","abc"]\n'.repeat(10)),
  };
  for (const [name, wrong] of Object.entries(cases)) {
    await t.step(name, () => assert.throws(() => decodeDigests(wrong)));
  }
});
