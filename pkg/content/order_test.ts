import assert from "node:assert/strict";
import { comparePaths } from "./order.ts";

const encoder = new TextEncoder();

/** The order of bytes, the slash before all others. */
function reference(a: string, b: string): number {
  const [left, right] = [a, b].map((path) => encoder.encode(path).map((byte) => byte === 0x2f ? 0 : byte));
  for (let at = 0; at < Math.min(left?.length ?? 0, right?.length ?? 0); at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign((left?.length ?? 0) - (right?.length ?? 0));
}

Deno.test("comparePaths() orders as BuildKit demands", async (t) => {
  const table: readonly (readonly [smaller: string, larger: string])[] = [
    ["a", "b"],
    ["a", "a/b"],
    ["a/b", "a-b"],
    ["a/z", "a b"],
    ["a/z", "a\x01"],
    ["A", "a"],
    ["a", "aa"],
    ["z", "ä"],
    ["a/b/c", "a/b!"],
    ["\ud7ff", "\ue000"],
    ["\uffff", "\u{10000}"],
    ["\ue000", "\u{1f600}"],
    ["\u{1f600}", "\u{1f601}"],
    ["\u{10ffff}/a", "\u{10ffff}a"],
  ];
  for (const [smaller, larger] of table) {
    await t.step(JSON.stringify([smaller, larger]), () => {
      assert.ok(comparePaths(smaller, larger) < 0);
      assert.ok(comparePaths(larger, smaller) > 0);
      assert.equal(comparePaths(larger, larger), 0);
      assert.equal(reference(smaller, larger), -1, "the reference agrees");
    });
  }
});

Deno.test("comparePaths() agrees with the order of bytes for paths of any characters", () => {
  const characters = [
    ..."/-.ab!~",
    "\x01",
    "ä",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{1f600}",
    "\u{10ffff}",
  ];
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const path = (): string =>
    Array.from({ length: 1 + random(6) }, () => characters[random(characters.length)]).join("");
  for (let round = 0; round < 50_000; round++) {
    const [a, b] = [path(), path()];
    assert.equal(Math.sign(comparePaths(a, b)), reference(a, b), JSON.stringify([a, b]));
  }
});
