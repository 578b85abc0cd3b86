import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { unusableAfter } from "./migrations/migration.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { assertRestored, isRestoreMark, newRestoreMark } from "./restore_mark.ts";

Deno.test("a release that knows no marks of restores refuses the database by the mark's name", () => {
  const mark = newRestoreMark();
  assert.deepEqual(unusableAfter(["0001_base", mark], MIGRATIONS), [mark]);
  assert.ok(mark.length <= 128, "the column's length");
});

Deno.test("no migration is a mark, and each restore has a mark of its own", () => {
  assert.deepEqual(MIGRATIONS.filter(({ name }) => isRestoreMark(name)), []);
  assert.notEqual(newRestoreMark(), newRestoreMark());
});

Deno.test("assertRestored() refuses the marks of others only", () => {
  const [own, other] = [newRestoreMark(), newRestoreMark()];
  assertRestored(["0001_base", own], own);
  assertRestored(["0001_base"]);
  for (const applied of [[own, other], [other]]) {
    assert.throws(() => assertRestored(applied, own), (error) => isFault(error, "failed_precondition"));
  }
});
