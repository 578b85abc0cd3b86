import assert from "node:assert/strict";
import { readHead } from "./repository_files.ts";
import { inRepository } from "./testing.ts";

Deno.test("readHead() finds branch and commit in every form of a repository", async (t) => {
  await inRepository(async (folder, git) => {
    const sha = (await Deno.readTextFile(`${folder}/.git/refs/heads/feature/x`)).trim();
    await t.step("a loose reference, from a folder below", async () => {
      await Deno.mkdir(`${folder}/apps/api`, { recursive: true });
      assert.deepEqual(await readHead(`${folder}/apps/api`), { branch: "feature/x", sha });
    });
    await t.step("a packed reference", async () => {
      await git("pack-refs", "--all");
      assert.deepEqual(await readHead(folder), { branch: "feature/x", sha });
    });
    await t.step("a worktree, with the references of its repository", async () => {
      await git("worktree", "add", "--quiet", "-b", "side", "tree");
      assert.deepEqual(await readHead(`${folder}/tree`), { branch: "side", sha });
    });
    await t.step("a detached head", async () => {
      await git("checkout", "--quiet", "--detach");
      assert.deepEqual(await readHead(folder), { branch: undefined, sha });
    });
    await t.step("a repository without commits", async () => {
      await git("checkout", "--quiet", "--orphan", "empty");
      assert.deepEqual(await readHead(folder), { branch: "empty", sha: undefined });
    });
  });
});

Deno.test("readHead() takes no file outside of the repository for a reference", async () => {
  await inRepository(async (folder) => {
    await Deno.writeTextFile(`${folder}/planted`, `${"ab".repeat(20)}\n`);
    await Deno.writeTextFile(`${folder}/.git/HEAD`, "ref: refs/heads/../../../planted\n");
    assert.equal((await readHead(folder))?.sha, undefined);
  });
});
