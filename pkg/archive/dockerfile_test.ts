import assert from "node:assert/strict";
import { findDockerfile } from "./dockerfile.ts";
import { withFolder } from "./testing.ts";

Deno.test("findDockerfile() takes a path as docker build -f does, and the usual one of preferred folders first", async (t) => {
  const files = {
    "Dockerfile": "root",
    "app/Dockerfile": "app",
    "app/docker/prod.Dockerfile": "prod",
    "infra/api.Dockerfile": "api",
    "lower/dockerfile": "lower",
    "lower/sub/x": "",
  };
  const cases: readonly {
    readonly name: string;
    readonly root: string;
    readonly cwd: string;
    readonly dockerfile?: string | readonly string[];
    readonly preferred?: readonly string[];
    readonly want: readonly [content: string, name: string];
  }[] = [
    {
      name: "of the current folder",
      root: "app",
      cwd: "",
      dockerfile: "Dockerfile",
      want: ["root", "Dockerfile"],
    },
    {
      name: "in the context, named from outside",
      root: "app",
      cwd: "",
      dockerfile: "app/docker/prod.Dockerfile",
      want: ["prod", "docker/prod.Dockerfile"],
    },
    {
      name: "outside of the context",
      root: "app",
      cwd: "",
      dockerfile: "./infra/api.Dockerfile",
      want: ["api", "infra/api.Dockerfile"],
    },
    {
      name: "outside of the context and of the current folder",
      root: "app",
      cwd: "app",
      dockerfile: "../infra/api.Dockerfile",
      want: ["api", "api.Dockerfile"],
    },
    {
      name: "of the current folder, with a Dockerfile in the context above it",
      root: "",
      cwd: "app",
      dockerfile: "./Dockerfile",
      want: ["app", "app/Dockerfile"],
    },
    {
      name: "the first of several that is there",
      root: "",
      cwd: "",
      dockerfile: ["none", "app/docker/prod.Dockerfile", "Dockerfile"],
      want: ["prod", "app/docker/prod.Dockerfile"],
    },
    { name: "the usual one", root: "app", cwd: "", want: ["app", "Dockerfile"] },
    { name: "the usual one of the context", root: "", cwd: "app", want: ["root", "Dockerfile"] },
    {
      name: "the usual one of a preferred folder",
      root: "",
      cwd: "app",
      preferred: ["infra", "app"],
      want: ["app", "app/Dockerfile"],
    },
    {
      name: "no usual one of a preferred folder outside of the context",
      root: "app",
      cwd: "",
      preferred: [""],
      want: ["app", "Dockerfile"],
    },
    {
      name: "in lower case",
      root: "lower",
      cwd: "lower",
      dockerfile: "Dockerfile",
      want: ["lower", "dockerfile"],
    },
    { name: "the usual one in lower case", root: "lower", cwd: "", want: ["lower", "dockerfile"] },
  ];
  await withFolder(files, async (base) => {
    const at = (path: string): string => `${base}/${path}`.replace(/\/$/, "");
    for (const { name, root, cwd, dockerfile, preferred = [], want } of cases) {
      await t.step(name, async () => {
        const hints = {
          root: at(root),
          cwd: at(cwd),
          dockerfile: typeof dockerfile === "object" ? dockerfile.map(at) : dockerfile,
          preferred: preferred.map(at),
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
    readonly context?: string;
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
    {
      name: "that of the context, named as if the command ran there",
      files: { "sub/prod.Dockerfile": "", "x": "" },
      context: "sub",
      dockerfile: "prod.Dockerfile",
      says: /no "prod\.Dockerfile" in .*Did you mean --dockerfile sub\/prod\.Dockerfile\?$/,
    },
  ];
  for (const { name, files, says, dockerfile = "Dockerfile", context } of cases) {
    await t.step(
      name,
      () =>
        withFolder(files, (cwd) => {
          const root = context === undefined ? cwd : `${cwd}/${context}`;
          return assert.rejects(findDockerfile({ root, cwd, dockerfile }), says);
        }),
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
