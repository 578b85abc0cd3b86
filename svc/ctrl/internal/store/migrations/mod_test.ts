import assert from "node:assert/strict";
import { MIGRATIONS } from "./mod.ts";

Deno.test("migrations are numbered from 1 without gaps, in the order in which they run", () => {
  const numbers = MIGRATIONS.map(({ name }) => /^(\d{4})_[a-z0-9_]+$/.exec(name)?.[1]);
  assert.deepEqual(numbers, MIGRATIONS.map((_, index) => String(index + 1).padStart(4, "0")));
});

Deno.test("each migration is in a file of its name", async () => {
  const files: string[] = [];
  for await (const { name, isFile } of Deno.readDir(new URL("./", import.meta.url))) {
    if (isFile && /^\d/.test(name)) files.push(name);
  }
  assert.deepEqual(files.sort(), MIGRATIONS.map(({ name }) => `${name}.ts`));
});
