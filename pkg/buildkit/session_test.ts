import assert from "node:assert/strict";
import { openDaemon } from "./daemon.ts";
import { openSession } from "./session.ts";

Deno.test("a session that cannot be opened leaves nothing behind", async () => {
  const root = await Deno.makeTempDir();
  const before = Deno.env.get("TMPDIR");
  try {
    // Longer than the path of a socket may be.
    const folder = `${root}/${"x".repeat(150)}`;
    await Deno.mkdir(folder);
    Deno.env.set("TMPDIR", folder);
    const daemon = openDaemon("tcp://127.0.0.1:9");
    await assert.rejects(openSession(daemon, { name: "registry.invalid/team" }));
    daemon.close();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(root, { recursive: true });
  }
});
