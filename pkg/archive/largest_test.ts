import assert from "node:assert/strict";
import { describeShares, formatBytes, largestShares } from "./largest.ts";
import type { Entry } from "./walk.ts";

function entries(sizes: Readonly<Record<string, number>>): readonly Entry[] {
  const common = { mode: 0o644, modifiedAtNs: 0n, target: "", stamp: "", changedAtMs: 0 };
  return Object.entries(sizes).map(([path, size]) =>
    path.endsWith("/")
      ? { ...common, path: path.slice(0, -1), kind: "folder", size: 0 }
      : { ...common, path, kind: "file", size }
  );
}

Deno.test("largestShares() names top-level paths, or the folder below that holds nearly all of one", () => {
  const sizes = {
    "a.txt": 5,
    "apps/": 0,
    "apps/api/": 0,
    "apps/api/node_modules/x/y.js": 50,
    "apps/api/node_modules/z/y.js": 50,
    "apps/web/a.ts": 0,
    "empty/": 0,
    "none": 0,
    "src/a/a.ts": 10,
    "src/b/b.ts": 10,
  };
  assert.deepEqual(largestShares(entries(sizes)), [
    { path: "apps/api/node_modules/", bytes: 100, files: 2 },
    { path: "src/", bytes: 20, files: 2 },
    { path: "a.txt", bytes: 5, files: 1 },
  ]);
  assert.deepEqual(largestShares(entries(sizes), 1).length, 1);
  assert.deepEqual(largestShares([]), []);
});

Deno.test("describeShares() lines up sizes", () => {
  const shares = [{ path: "a/", bytes: 2_048, files: 1 }, { path: "b", bytes: 7, files: 1 }];
  assert.equal(describeShares(shares), "    2 KiB  a/\n  7 bytes  b");
});

Deno.test("formatBytes() has one digit below a hundred", () => {
  assert.deepEqual([0, 1_024, 4_300_000, 2 ** 40 * 123.4].map(formatBytes), [
    "0 bytes",
    "1 KiB",
    "4.1 MiB",
    "123 TiB",
  ]);
});
