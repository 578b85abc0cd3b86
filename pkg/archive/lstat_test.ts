import assert from "node:assert/strict";
import { withFolder } from "./testing.ts";
import { openAttributeReader } from "./lstat.ts";

Deno.test("openAttributeReader() finds the same with and without the C library, but for the parts of times that the runtime cuts", async () => {
  await withFolder({ "file": "content", "folder/\u00fc\u{1f600}": "", "old": "" }, async (root) => {
    await Deno.link(`${root}/file`, `${root}/same`);
    await Deno.symlink("nowhere", `${root}/link`);
    await Deno.chmod(`${root}/old`, 0o4751);
    await Deno.utime(`${root}/old`, 0, 981_173_106.123);
    assert.ok((await new Deno.Command("mkfifo", { args: [`${root}/pipe`] }).output()).success);
    using _listener = Deno.listen({ transport: "unix", path: `${root}/socket` });
    using native = openAttributeReader();
    using plain = openAttributeReader("another");
    const kinds: string[] = [];
    for (
      const name of ["file", "same", "folder", "folder/\u00fc\u{1f600}", "old", "link", "pipe", "socket"]
    ) {
      const [a, b] = [native.lstat(`${root}/${name}`), plain.lstat(`${root}/${name}`)];
      kinds.push(a.kind);
      const { modifiedAtNs, changedAtNs, identity: _, ...rest } = a;
      const { modifiedAtNs: modifiedAtPlain, changedAtNs: changedAtPlain, identity: __, ...plainRest } = b;
      assert.deepEqual(rest, plainRest, name);
      // The runtime cuts one to milliseconds and the other to seconds.
      assert.equal(modifiedAtNs / 1_000_000n, modifiedAtPlain / 1_000_000n, name);
      assert.equal(changedAtNs / 1_000_000_000n, changedAtPlain / 1_000_000_000n, name);
    }
    assert.deepEqual(kinds, ["file", "file", "folder", "file", "file", "link", "pipe", "socket"]);
    assert.equal(native.lstat("/dev/null").kind, "device");
    for (const reader of [native, plain]) {
      assert.equal(reader.lstat(`${root}/file`).identity, reader.lstat(`${root}/same`).identity);
      assert.throws(() => reader.lstat(`${root}/missing`), Deno.errors.NotFound);
      assert.throws(() => reader.lstat(`${root}/${"long".repeat(4_000)}`));
    }
  });
});
