import assert from "node:assert/strict";
import { join } from "node:path";
import { keepPrivate } from "./mod.ts";

async function modes(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const visit = async (path: string): Promise<void> => {
    const { mode, isDirectory } = await Deno.lstat(path);
    found[path.slice(root.length + 1)] = ((mode ?? 0) & 0o777).toString(8);
    if (isDirectory) { for await (const { name } of Deno.readDir(path)) await visit(join(path, name)); }
  };
  await visit(root);
  return found;
}

/** A folder that a script had made before the first start, with a database that a run with a wide umask had made in it. */
Deno.test("keepPrivate() takes the rights of other users on a folder and on all in it, whatever made them", async () => {
  const parent = await Deno.makeTempDir({ prefix: "unkey-private-" });
  try {
    const root = join(parent, "data");
    await Deno.mkdir(join(root, "restate", "unkey"), { recursive: true });
    await Deno.writeTextFile(join(root, "unkey.db"), "");
    await Deno.writeTextFile(join(root, "restate", "unkey", "run"), "");
    await Deno.writeTextFile(join(parent, "outside"), "");
    await Deno.symlink(join(parent, "outside"), join(root, "link"));
    for (const folder of ["", "restate", "restate/unkey"]) await Deno.chmod(join(root, folder), 0o755);
    for (const path of [join(root, "unkey.db"), join(parent, "outside")]) await Deno.chmod(path, 0o644);
    await Deno.chmod(join(root, "restate", "unkey", "run"), 0o775);
    await keepPrivate(root);
    const { link: _link, ...found } = await modes(root);
    assert.deepEqual(found, {
      "": "700",
      "unkey.db": "600",
      restate: "700",
      "restate/unkey": "700",
      "restate/unkey/run": "700",
    });
    assert.equal(
      ((await Deno.stat(join(parent, "outside"))).mode ?? 0) & 0o777,
      0o644,
      "a link is not followed",
    );
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
