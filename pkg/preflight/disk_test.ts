import assert from "node:assert/strict";
import { join } from "node:path";
import { folderProbe } from "./mod.ts";

const { signal } = new AbortController();
const setting = "--here (UNKEY_HERE)";
const MIB = 1024 * 1024;

Deno.test("a folder stays as it was after a probe, and a folder without rights or room is a finding", async () => {
  const root = await Deno.makeTempDir({ prefix: "unkey-preflight-test-" });
  const look = (folder: string, bytesMin = MIB) =>
    folderProbe({ subject: "folder", folder, bytesMin, setting }).ask(signal);
  try {
    assert.equal((await look(root)).outcome, "ok");
    assert.equal((await look(join(root, "new", "below"))).outcome, "ok");
    assert.deepEqual(await Array.fromAsync(Deno.readDir(root)), []);
    await Deno.writeTextFile(join(root, "file"), "");
    const full = await look(root, Number.MAX_SAFE_INTEGER);
    assert.equal(full.outcome, "failed");
    assert.match(full.text, /MiB free, and 8,589,934,591 MiB are needed/);
    const unwritable = await look("/proc/nowhere");
    assert.deepEqual([unwritable.outcome, /\/proc cannot be written/.test(unwritable.text)], [
      "failed",
      true,
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
