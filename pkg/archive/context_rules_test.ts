import assert from "node:assert/strict";
import { checkDockerfile, contextRules } from "./context_rules.ts";
import { IgnoreMatcher } from "./matcher.ts";

async function withFolder(
  files: Readonly<Record<string, string>>,
  test: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "unkey-rules-" }));
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function ignores(root: string, dockerfile: string, path: string): Promise<boolean> {
  const { rules, file } = await contextRules(root, dockerfile);
  return new IgnoreMatcher(rules, file).match(path).ignored;
}

Deno.test("contextRules() prefers the Dockerfile's own ignore file and keeps what the builder reads", async () => {
  const files = {
    ".dockerignore": "shared\n*ockerfile\n",
    "api[1].Dockerfile": "FROM scratch\n",
    "api[1].Dockerfile.dockerignore": "*\n",
  };
  await withFolder(files, async (root) => {
    assert.equal(await ignores(root, "Dockerfile", "shared"), true);
    assert.equal(await ignores(root, "Dockerfile", "Dockerfile"), false);
    assert.equal(await ignores(root, "Dockerfile", "other.dockerfile"), true);
    assert.equal(await ignores(root, "api[1].Dockerfile", "shared"), true);
    assert.equal(await ignores(root, "api[1].Dockerfile", "api[1].Dockerfile"), false);
    assert.equal(await ignores(root, "api[1].Dockerfile", "api1.Dockerfile"), true);
    assert.equal((await contextRules(root, "api[1].Dockerfile")).file, "api[1].Dockerfile.dockerignore");
  });
});

Deno.test("checkDockerfile() says what to do", async (t) => {
  const cases: readonly { name: string; files: Record<string, string>; dockerfile: string; says: RegExp }[] =
    [
      { name: "an empty folder", files: {}, dockerfile: "Dockerfile", says: /is empty/ },
      { name: "none", files: { "a.ts": "" }, dockerfile: "Dockerfile", says: /--dockerfile, or .* --image/ },
      {
        name: "another name",
        files: { "prod.Dockerfile": "", "prod.Dockerfile.dockerignore": "" },
        dockerfile: "Dockerfile",
        says: /Did you mean --dockerfile prod\.Dockerfile\?/,
      },
      {
        name: "a folder",
        files: { "Dockerfile/x": "" },
        dockerfile: "Dockerfile",
        says: /There is no "Dockerfile"/,
      },
      {
        name: "outside",
        files: { "a.ts": "" },
        dockerfile: "../../../../../../etc/passwd",
        says: /is outside of/,
      },
    ];
  for (const { name, files, dockerfile, says } of cases) {
    await t.step(
      name,
      () => withFolder(files, (root) => assert.rejects(checkDockerfile(root, dockerfile), says)),
    );
  }
  await t.step("a link to a file outside", () =>
    withFolder({ "a.ts": "" }, async (root) => {
      await Deno.symlink("/etc/passwd", `${root}/Dockerfile`);
      await assert.rejects(checkDockerfile(root, "Dockerfile"), /is outside of/);
    }));
  await t.step(
    "a file",
    () => withFolder({ "Dockerfile": "" }, (root) => checkDockerfile(root, "Dockerfile")),
  );
});
