import assert from "node:assert/strict";
import { join } from "node:path";
import { bytesFree, writeWhole } from "./mod.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-files-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("writeWhole() replaces a file for its owner only, and leaves nothing else", () =>
  withFolder(async (folder) => {
    const path = join(folder, "state.json");
    await Deno.writeTextFile(path, "old", { mode: 0o644 });
    await writeWhole(path, "new");
    assert.equal(await Deno.readTextFile(path), "new");
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["state.json"]);
  }));

Deno.test("writeWhole() leaves the old file alone when the new one cannot take its place", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "state.json", "in the way"), { recursive: true });
    await assert.rejects(writeWhole(join(folder, "state.json"), "new"));
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["state.json"]);
    await assert.rejects(writeWhole(join(folder, "missing", "state.json"), "new"), Deno.errors.NotFound);
  }));

Deno.test("bytesFree() tells of a folder that is there, and of no other", () =>
  withFolder(async (folder) => {
    assert.ok((await bytesFree(folder) ?? 0) > 0);
    assert.equal(await bytesFree(join(folder, "missing")), undefined);
  }));
