import assert from "node:assert/strict";
import { Budget } from "./budget.ts";
import { Changes, LEVELS } from "./changes.ts";

const place = (path: string) => ({ path, operation: "GET", operationId: undefined });

Deno.test("changes are kept once, by operation, the most serious first", () => {
  const changes = new Changes(new Budget());
  for (const path of ["/a", "/b", "/a"]) {
    changes.add(place(path), "x", LEVELS.info, "came");
    changes.add(place(path), "y", LEVELS.warning, "went");
  }
  assert.deepEqual(changes.list().map(({ id, path }) => `${id} ${path}`), ["y /a", "y /b", "x /a", "x /b"]);
  assert.deepEqual(["/a", "/b", "/", "/a/b"].map((path) => changes.touches(place(path))), [
    true,
    true,
    false,
    false,
  ]);
  assert.equal(changes.breaking, false);
});

Deno.test("a change that breaks clients counts, however many came before it", () => {
  const changes = new Changes(new Budget());
  for (let at = 0; at < 20_001; at++) changes.add(place("/a"), "x", LEVELS.info, `${at}`);
  changes.add(place("/b"), "y", LEVELS.error, "went");
  assert.deepEqual([changes.breaking, changes.list().length], [true, 1_000]);
});
