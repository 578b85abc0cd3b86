import assert from "node:assert/strict";
import { join } from "node:path";
import { installProgram } from "./program.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(folder)) {
    files[name] = await Deno.readTextFile(join(folder, name));
  }
  return files;
}

Deno.test("an executable is replaced at once, and put back when the new one is no good", async () => {
  await inFolder(async (folder) => {
    const [next, place] = [join(folder, "download"), join(folder, "bin", "unkey")];
    await Deno.writeTextFile(next, "one");
    const first = await installProgram(next, place);
    assert.equal(await first.restore(), false, "there was none before");
    await first.keep();
    assert.equal(((await Deno.stat(place)).mode ?? 0) & 0o777, 0o755);

    using running = await Deno.open(place);
    await Deno.writeTextFile(next, "two");
    const second = await installProgram(next, place);
    assert.deepEqual(await filesOf(join(folder, "bin")), { unkey: "two", "unkey.former": "one" });
    const bytes = new Uint8Array(3);
    await running.read(bytes);
    assert.equal(new TextDecoder().decode(bytes), "one", "a process that runs keeps its file");
    assert.equal(await second.restore(), true);
    assert.deepEqual(await filesOf(join(folder, "bin")), { unkey: "one" });

    const third = await installProgram(next, place);
    await third.keep();
    assert.deepEqual(await filesOf(join(folder, "bin")), { unkey: "two" });
  });
});

Deno.test("the executable in place can install itself again", async () => {
  await inFolder(async (folder) => {
    const place = join(folder, "unkey");
    await Deno.writeTextFile(place, "one");
    const same = await installProgram(place, place);
    assert.equal(await same.restore(), false, "there is no other one");
    assert.equal(await Deno.readTextFile(place), "one");
  });
});

Deno.test("a checkout is no executable", async () => {
  await assert.rejects(installProgram("/usr/bin/deno", "/nowhere/unkey"), /deno task compile.*--program/s);
});
