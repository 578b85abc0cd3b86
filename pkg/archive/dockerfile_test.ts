import assert from "node:assert/strict";
import { findDockerfile } from "./dockerfile.ts";
import { withFolder } from "./testing.ts";

Deno.test("findDockerfile() looks in the context, then where the command runs, then beside the context", async (t) => {
  const files = {
    "Dockerfile": "root",
    "app/Dockerfile": "app",
    "app/docker/prod.Dockerfile": "prod",
    "infra/api.Dockerfile": "api",
    "lower/dockerfile": "lower",
  };
  const cases: readonly {
    readonly name: string;
    readonly root: string;
    readonly cwd: string;
    readonly dockerfile: string | undefined;
    readonly want: readonly [content: string, name: string];
  }[] = [
    { name: "of the context", root: "app", cwd: "", dockerfile: "Dockerfile", want: ["app", "Dockerfile"] },
    {
      name: "in a folder of the context",
      root: "app",
      cwd: "",
      dockerfile: "./docker/prod.Dockerfile",
      want: ["prod", "docker/prod.Dockerfile"],
    },
    {
      name: "of the context, named from outside",
      root: "app",
      cwd: "",
      dockerfile: "app/docker/prod.Dockerfile",
      want: ["prod", "docker/prod.Dockerfile"],
    },
    {
      name: "outside of the context",
      root: "app",
      cwd: "",
      dockerfile: "infra/api.Dockerfile",
      want: ["api", "infra/api.Dockerfile"],
    },
    {
      name: "outside of the context and of where the command runs",
      root: "app",
      cwd: "app",
      dockerfile: "../infra/api.Dockerfile",
      want: ["api", "api.Dockerfile"],
    },
    {
      name: "relative to the context, from elsewhere",
      root: "app",
      cwd: "app/docker",
      dockerfile: "../infra/api.Dockerfile",
      want: ["api", "api.Dockerfile"],
    },
    {
      name: "of where the command runs, within the context",
      root: "",
      cwd: "app",
      dockerfile: "docker/prod.Dockerfile",
      want: ["prod", "app/docker/prod.Dockerfile"],
    },
    { name: "the usual one", root: "app", cwd: "", dockerfile: undefined, want: ["app", "Dockerfile"] },
    {
      name: "the usual one, given, outside of the context",
      root: "infra",
      cwd: "",
      dockerfile: "Dockerfile",
      want: ["root", "Dockerfile"],
    },
    {
      name: "in lower case",
      root: "lower",
      cwd: "lower",
      dockerfile: "Dockerfile",
      want: ["lower", "dockerfile"],
    },
  ];
  await withFolder(files, async (base) => {
    for (const { name, root, cwd, dockerfile, want } of cases) {
      await t.step(name, async () => {
        const hints = {
          root: `${base}/${root}`.replace(/\/$/, ""),
          cwd: `${base}/${cwd}`.replace(/\/$/, ""),
          dockerfile,
        };
        const found = await findDockerfile(hints);
        assert.deepEqual([new TextDecoder().decode(found.content), found.name], want);
        const absolute = await findDockerfile({ ...hints, dockerfile: found.file });
        assert.deepEqual(absolute, found);
      });
    }
  });
});

/** A folder without a Dockerfile would otherwise be built by the one of its parent. */
Deno.test("findDockerfile() takes no Dockerfile outside of the context that was not asked for", async () => {
  await withFolder({ "Dockerfile": "root", "app/main.ts": "" }, async (base) => {
    const looking = findDockerfile({ root: `${base}/app`, cwd: base, dockerfile: undefined });
    await assert.rejects(looking, /There is no "Dockerfile" in .*\/app\./);
  });
});

Deno.test("findDockerfile() follows a link", async () => {
  await withFolder({ "infra/Dockerfile": "FROM scratch\n", "app/a": "" }, async (base) => {
    await Deno.symlink("../infra/Dockerfile", `${base}/app/Dockerfile`);
    const root = `${base}/app`;
    const { content } = await findDockerfile({ root, cwd: root, dockerfile: "Dockerfile" });
    assert.equal(new TextDecoder().decode(content), "FROM scratch\n");
  });
});

Deno.test("findDockerfile() reports a missing or unusable Dockerfile with the next step", async (t) => {
  const cases: readonly {
    readonly name: string;
    readonly files: Readonly<Record<string, string>>;
    readonly says: RegExp;
    readonly dockerfile?: string;
  }[] = [
    { name: "an empty folder", files: {}, says: /is empty/ },
    { name: "none", files: { "a.ts": "" }, says: /There is no "Dockerfile" .*--dockerfile, or .* --image/ },
    {
      name: "another name",
      files: { "prod.Dockerfile": "", "prod.Dockerfile.dockerignore": "", "old.Dockerfile/x": "" },
      says: /Did you mean --dockerfile prod\.Dockerfile\?$/,
    },
    {
      name: "a folder",
      files: { "Dockerfile/x": "", "web.Dockerfile": "" },
      says: /"Dockerfile" in .* is a folder, not a Dockerfile\. Did you mean --dockerfile web\.Dockerfile\?$/,
    },
    {
      name: "a folder and nothing similar",
      files: { "Dockerfile/x": "" },
      says: /is a folder, not a Dockerfile\. Write one, name another path/,
    },
    {
      name: "too large",
      files: { "Dockerfile": "#".repeat(512 * 1024 + 1) },
      says: /"Dockerfile" is larger than 512 KiB\. Move data out of it/,
    },
    { name: "outside", files: { "a.ts": "" }, dockerfile: "../nothing", says: /no "\.\.\/nothing"/ },
  ];
  for (const { name, files, says, dockerfile = "Dockerfile" } of cases) {
    await t.step(
      name,
      () =>
        withFolder(files, (root) => assert.rejects(findDockerfile({ root, cwd: root, dockerfile }), says)),
    );
  }
  await t.step(
    "exactly the limit",
    () =>
      withFolder({ "Dockerfile": "#".repeat(512 * 1024) }, async (root) => {
        const { content } = await findDockerfile({ root, cwd: root, dockerfile: "Dockerfile" });
        assert.equal(content.length, 512 * 1024);
      }),
  );
});
