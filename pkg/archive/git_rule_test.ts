import assert from "node:assert/strict";
import { withFolder } from "./testing.ts";
import { listBuildContext } from "./list.ts";

const { signal } = new AbortController();
const FILES = {
  "Dockerfile": "FROM scratch\n",
  ".gitignore": "dist\n",
  ".git/HEAD": "ref: refs/heads/main\n",
  ".git/config": "token",
  "src/a.ts": "a",
  "src/module/.git": "gitdir: ../../.git/modules/module\n",
  "src/module/b.ts": "b",
};

async function list(
  root: string,
  includeGit: boolean,
): Promise<readonly string[]> {
  const dockerfile = { file: `${root}/Dockerfile`, name: "Dockerfile" };
  const { entries } = await listBuildContext(root, { dockerfile, includeGit }, signal);
  return entries.filter(({ kind }) => kind !== "folder").map(({ path }) => path);
}

/** It holds credentials of remotes, and each commit would make another context. */
Deno.test("listBuildContext() leaves out .git at any depth, also the file of a worktree or a submodule", async () => {
  await withFolder(FILES, async (root) => {
    assert.deepEqual(await list(root, false), [
      ".gitignore",
      "Dockerfile",
      "src/a.ts",
      "src/module/b.ts",
    ]);
    await Deno.remove(`${root}/.git`, { recursive: true });
    await Deno.writeTextFile(`${root}/.git`, "gitdir: /elsewhere/.git/worktrees/app\n");
    assert.ok(!(await list(root, false)).includes(".git"));
  });
});

Deno.test("listBuildContext() takes .git in where it is asked for, as docker build does", async () => {
  await withFolder(FILES, async (root) => {
    assert.deepEqual(await list(root, true), Object.keys(FILES).toSorted());
  });
});

Deno.test("listBuildContext() takes .git in for exceptions that name it, and for no others", async (t) => {
  const head = [".git/HEAD"];
  const cases: readonly (readonly [ignore: string, git: readonly string[]])[] = [
    ["!.git\n", [".git/HEAD", ".git/config"]],
    ["!**/.git\n", [".git/HEAD", ".git/config", "src/module/.git"]],
    ["*\n!/.git/\n", [".git/HEAD", ".git/config"]],
    ["!.git\n.git/config\n", head],
    ["!.git/HEAD\n", head],
    ["!src/module/.git\n", ["src/module/.git"]],
    ["*\n!src\n", []],
    ["**\n!**/HEAD\n", []],
    ["!.git*\n", []],
    ["!.git\n.git\n", []],
  ];
  for (const [ignore, git] of cases) {
    await t.step(
      JSON.stringify(ignore),
      () =>
        withFolder({ ...FILES, ".dockerignore": ignore }, async (root) => {
          const found = await list(root, false);
          assert.deepEqual(found.filter((path) => path.split("/").includes(".git")), git);
        }),
    );
  }
});

/** An unreadable object of git's, or one that comes and goes, would end the deploy. */
Deno.test("listBuildContext() does not read .git that it leaves out, whatever other exceptions there are", async () => {
  await withFolder({ ...FILES, ".dockerignore": "*\n!**/*.ts\n" }, async (root) => {
    const paths: string[] = [];
    const read = Deno.readDirSync;
    Deno.readDirSync = (path) => {
      paths.push(String(path).slice(root.length));
      return read(path);
    };
    try {
      await list(root, false);
    } finally {
      Deno.readDirSync = read;
    }
    assert.deepEqual(paths.toSorted(), ["", "/src", "/src/module"]);
  });
});
