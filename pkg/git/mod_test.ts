import assert from "node:assert/strict";
import { readCommit } from "./mod.ts";

const options = { env: () => undefined, signal: new AbortController().signal };

async function inRepository(
  fn: (folder: string, git: (...args: string[]) => Promise<void>) => Promise<void>,
) {
  const folder = await Deno.makeTempDir({ prefix: "unkey-git-" });
  const git = async (...args: string[]): Promise<void> => {
    const { success, stderr } = await new Deno.Command("git", {
      args: ["-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  try {
    await git("init", "--quiet", "--initial-branch", "feature/x");
    await Deno.writeTextFile(`${folder}/a.txt`, "a");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "first: a change\n\nand its reason");
    await fn(folder, git);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readCommit() reads the commit of the folder it is given", async () => {
  await inRepository(async (folder) => {
    const commit = await readCommit(folder, options);
    assert.equal(commit?.branch, "feature/x");
    assert.match(commit?.sha ?? "", /^[0-9a-f]{40}$/);
    assert.equal(commit?.subject, "first: a change");
    assert.equal(commit?.author, "Ada");
    assert.ok((commit?.committedAtMs ?? 0) > 1_600_000_000_000);
    assert.equal(commit?.dirty, false);
  });
});

Deno.test("readCommit() sees files that are not committed", async () => {
  await inRepository(async (folder) => {
    await Deno.writeTextFile(`${folder}/new.txt`, "new");
    assert.equal((await readCommit(folder, options))?.dirty, true);
  });
});

Deno.test("readCommit() takes the branch from the CI when the head is detached", async () => {
  await inRepository(async (folder, git) => {
    await git("checkout", "--quiet", "--detach");
    assert.equal((await readCommit(folder, options))?.branch, undefined);
    const env = (name: string) => name === "GITHUB_REF_NAME" ? "main" : undefined;
    assert.equal((await readCommit(folder, { ...options, env }))?.branch, "main");
  });
});

Deno.test("readCommit() finds nothing outside of a repository", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-git-" });
  try {
    assert.equal(await readCommit(folder, options), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
