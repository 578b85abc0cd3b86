import assert from "node:assert/strict";
import { join } from "node:path";
import { readCommit } from "./commit.ts";
import { environment, inRepository } from "./testing.ts";

const signal = new AbortController().signal;
const options = { env: environment(), signal };
const withVariables = (variables: Record<string, string>) => ({ env: environment(variables), signal });

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

Deno.test("readCommit() reports dirty when a file is not committed", async () => {
  await inRepository(async (folder) => {
    await Deno.writeTextFile(`${folder}/new.txt`, "new");
    assert.equal((await readCommit(folder, options))?.dirty, true);
  });
});

Deno.test("readCommit() takes the branch of the CI only when the head is detached", async () => {
  await inRepository(async (folder, git) => {
    const ci = withVariables({ GITHUB_REF_NAME: "main" });
    assert.equal((await readCommit(folder, ci))?.branch, "feature/x");
    await git("checkout", "--quiet", "--detach");
    assert.equal((await readCommit(folder, options))?.branch, undefined);
    assert.equal((await readCommit(folder, ci))?.branch, "main");
  });
});

Deno.test("readCommit() reads the files of a repository when git refuses it or is missing", async (t) => {
  await inRepository(async (folder) => {
    const { sha } = await readCommit(folder, options) ?? {};
    const known = {
      branch: "feature/x",
      sha,
      subject: "",
      author: "",
      committedAtMs: 0,
      dirty: false,
    };
    await t.step("no git on the machine", async () => {
      assert.deepEqual(await readCommit(folder, withVariables({ PATH: "/nowhere" })), known);
    });
    const fn = async (): Promise<void> => {
      await new Deno.Command("chown", { args: ["-R", "12345", folder] }).output();
      assert.deepEqual(await readCommit(folder, withVariables({ GITHUB_HEAD_REF: "other" })), known);
    };
    await t.step({ name: "a repository of another user", ignore: Deno.uid() !== 0, fn });
  });
});

Deno.test("readCommit() reads a signed commit in a repository that shows signatures", async () => {
  await inRepository(async (folder, git) => {
    await git("config", "log.showSignature", "true");
    await git("config", "gpg.program", `${folder}/gpg.sh`);
    const mark = join(folder, "ran");
    await Deno.writeTextFile(`${folder}/gpg.sh`, `#!/bin/sh\ntouch ${mark}\necho "gpg: made of straw"\n`, {
      mode: 0o755,
    });
    await signHead(folder);
    assert.match((await readCommit(folder, options))?.sha ?? "", /^[0-9a-f]{40}$/);
    await assert.rejects(Deno.stat(mark), "the program of the repository was not run");
  });
});

/** Writes a signature into the head commit, as `git commit -S` does. */
async function signHead(folder: string): Promise<void> {
  const script = `cd "${folder}"
    { echo "tree $(git rev-parse 'HEAD^{tree}')"
      printf 'author a <a@example.com> 1700000000 +0000\\ncommitter a <a@example.com> 1700000000 +0000\\n'
      printf 'gpgsig -----BEGIN PGP SIGNATURE-----\\n \\n aGVsbG8=\\n -----END PGP SIGNATURE-----\\n\\nsigned\\n'
    } > .git/signed
    git update-ref refs/heads/feature/x "$(git hash-object -t commit -w .git/signed)"`;
  const { success } = await new Deno.Command("sh", { args: ["-ec", script] }).output();
  assert.ok(success);
}

Deno.test("readCommit() ignores the repository of a hook that runs the command", async () => {
  await inRepository(async (other) => {
    await inRepository(async (folder, git) => {
      await git("commit", "--quiet", "--allow-empty", "--message", "the folder's own");
      const hook = withVariables({ GIT_DIR: `${other}/.git`, GIT_INDEX_FILE: `${other}/.git/index` });
      assert.equal((await readCommit(folder, hook))?.subject, "the folder's own");
    });
  });
});

Deno.test("readCommit() answers with what the CI says when a folder has no repository", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-git-" });
  try {
    assert.equal(await readCommit(folder, options), undefined);
    const sha = "0123456789".repeat(4);
    const commit = await readCommit(folder, withVariables({ CI_COMMIT_SHA: sha, CI_COMMIT_BRANCH: "topic" }));
    assert.deepEqual([commit?.branch, commit?.sha], ["topic", sha]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
