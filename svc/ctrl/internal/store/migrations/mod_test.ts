import assert from "node:assert/strict";
import { MIGRATIONS } from "./mod.ts";

/** A number may be missing: it is given out before its migration is written. */
Deno.test("migrations are numbered from 1 in the order in which they run, each number once", () => {
  const numbers = MIGRATIONS.map(({ name }) => Number(/^(\d{4})_[a-z0-9_]+$/.exec(name)?.[1]));
  assert.equal(numbers[0], 1);
  assert.deepEqual(numbers, [...new Set(numbers)].toSorted((a, b) => a - b));
});

Deno.test("each migration is in a file of its name", async () => {
  const files: string[] = [];
  for await (const { name, isFile } of Deno.readDir(new URL("./", import.meta.url))) {
    if (isFile && /^\d/.test(name)) files.push(name);
  }
  assert.deepEqual(files.sort(), MIGRATIONS.map(({ name }) => `${name}.ts`));
});
