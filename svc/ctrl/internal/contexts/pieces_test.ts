import assert from "node:assert/strict";
import type { ChunksTable } from "../store/mod.ts";
import { piecesOf } from "./pieces.ts";

const KIB = 1024;

function place(pack_id: string, pack_offset: number, stored_bytes: number): ChunksTable {
  const digest = `${pack_id} ${pack_offset}`;
  return { project_id: "p", digest, pack_id, pack_offset, stored_bytes, bytes: stored_bytes, deflated: 0 };
}

Deno.test("piecesOf() fetches neighbours at once, and nothing between chunks that are far from each other", () => {
  const places = [
    place("b", 0, 10),
    place("a", 300 * KIB, 10 * KIB),
    place("a", 0, 10 * KIB),
    place("a", 10 * KIB, 20 * KIB),
    place("a", 94 * KIB, 6 * KIB),
  ];
  const pieces = piecesOf(places);
  assert.deepEqual(places.map((each) => pieces.get(each)), [
    { packId: "b", start: 0, end: 10 },
    { packId: "a", start: 300 * KIB, end: 310 * KIB },
    { packId: "a", start: 0, end: 100 * KIB },
    { packId: "a", start: 0, end: 100 * KIB },
    { packId: "a", start: 0, end: 100 * KIB },
  ]);
  assert.equal(piecesOf([]).size, 0);
});
