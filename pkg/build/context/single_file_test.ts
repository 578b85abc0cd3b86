import assert from "node:assert/strict";
import { singleFile } from "./single_file.ts";

/** BuildKit takes a file of the same size and time for unchanged, and would build with the old Dockerfile. */
Deno.test("singleFile() has a time that its content decides, in the first days of 1970", () => {
  const times = ["FROM a", "FROM b", "FROM a"].map((text) => {
    const [entry] = singleFile("Dockerfile", new TextEncoder().encode(text)).entries;
    assert.ok(entry !== undefined);
    assert.deepEqual([entry.path, entry.kind, entry.mode, entry.size], ["Dockerfile", "file", 0o644, 6]);
    assert.ok(entry.modifiedAtNs >= 0n && entry.modifiedAtNs < 2n ** 48n);
    return entry.modifiedAtNs;
  });
  assert.equal(times[0], times[2]);
  assert.notEqual(times[0], times[1]);
});

Deno.test("singleFile() reads its content until the signal aborts", async () => {
  const { entries: [entry], read } = singleFile("Dockerfile", new TextEncoder().encode("FROM a"));
  assert.ok(entry !== undefined);
  const texts: string[] = [];
  for await (const piece of read(entry, new AbortController().signal)) {
    texts.push(new TextDecoder().decode(piece));
  }
  assert.deepEqual(texts, ["FROM a"]);
  await assert.rejects(async () => {
    for await (const _piece of read(entry, AbortSignal.abort(new Error("stopped")))) {
      assert.fail("it was stopped");
    }
  }, /stopped/);
});
