import assert from "node:assert/strict";
import { join } from "node:path";
import { isFault } from "../fault/mod.ts";
import type { ContextOptions } from "./context_rules.ts";
import { contextRoot, listBuildContext } from "./list.ts";
import { withFolder } from "./testing.ts";

const { signal } = new AbortController();

function optionsFor(root: string, name: string): ContextOptions {
  return { dockerfile: { file: join(root, name), name }, includeGit: false };
}

Deno.test("contextRoot() follows links to the folder, and refuses what is none", async (t) => {
  await withFolder({ "app/Dockerfile": "FROM scratch\n", "file": "" }, async (root) => {
    await Deno.symlink("app", join(root, "link"));
    await Deno.symlink("nowhere", join(root, "dangling"));
    await t.step(
      "a link",
      async () => assert.equal(await contextRoot(join(root, "link")), join(root, "app")),
    );
    const refused = { "no such folder": "none", "a dangling link": "dangling", "a file": "file" };
    for (const [name, path] of Object.entries(refused)) {
      await t.step(
        name,
        () =>
          assert.rejects(
            contextRoot(join(root, path)),
            (error) => isFault(error, "not_found") && error.message.includes(path),
          ),
      );
    }
  });
});

Deno.test("listBuildContext() lists what the ignore rules let through", async (t) => {
  const files = {
    "Dockerfile": "FROM scratch\n",
    "src/a.ts": "a",
    "src/a.log": "log",
    "docker/web.Dockerfile": "FROM scratch\n",
    ".dockerignore": "**/*.log\n.dockerignore\n",
    "docker/web.Dockerfile.dockerignore": "src\n",
  };
  const list = async (root: string, name: string): Promise<readonly string[]> => {
    const { entries } = await listBuildContext(root, optionsFor(root, name), signal);
    return entries.map(({ path }) => path);
  };
  await withFolder(files, async (root) => {
    await t.step("those of .dockerignore", async () =>
      assert.deepEqual(await list(root, "Dockerfile"), [
        "Dockerfile",
        "docker",
        "docker/web.Dockerfile",
        "docker/web.Dockerfile.dockerignore",
        "src",
        "src/a.ts",
      ]));
    await t.step(
      "those beside a Dockerfile of another name instead",
      async () =>
        assert.deepEqual(await list(root, "docker/web.Dockerfile"), [
          ".dockerignore",
          "Dockerfile",
          "docker",
          "docker/web.Dockerfile",
          "docker/web.Dockerfile.dockerignore",
        ]),
    );
  });
});

Deno.test("listBuildContext() names the rule that cannot be read", async () => {
  await withFolder({ "Dockerfile": "FROM scratch\n", ".dockerignore": "a\n[\n" }, (root) =>
    assert.rejects(
      listBuildContext(root, optionsFor(root, "Dockerfile"), signal),
      (error) => isFault(error, "invalid_argument") && error.message.includes(".dockerignore, line 2"),
    ));
});
