import assert from "node:assert/strict";
import { contextRules } from "./context_rules.ts";
import { withFolder } from "./testing.ts";
import { IgnoreMatcher } from "./matcher.ts";

async function ignores(root: string, dockerfile: string, path: string): Promise<boolean> {
  const { rules, file } = await contextRules(root, { file: `${root}/${dockerfile}`, name: dockerfile });
  return new IgnoreMatcher(rules, file).match(path).ignored;
}

Deno.test("contextRules() prefers the Dockerfile's own ignore file, and adds no exceptions to it", async () => {
  const files = {
    ".dockerignore": "shared\n*ockerfile\n",
    "api[1].Dockerfile": "FROM scratch\n",
    "api[1].Dockerfile.dockerignore": "*\n",
  };
  await withFolder(files, async (root) => {
    assert.equal(await ignores(root, "Dockerfile", "shared"), true);
    assert.equal(await ignores(root, "Dockerfile", "Dockerfile"), true);
    assert.equal(await ignores(root, "Dockerfile", ".dockerignore"), false);
    assert.equal(await ignores(root, "api[1].Dockerfile", "shared"), true);
    assert.equal(await ignores(root, "api[1].Dockerfile", "api[1].Dockerfile"), true);
    const named = { file: `${root}/api[1].Dockerfile`, name: "api[1].Dockerfile" };
    assert.equal((await contextRules(root, named)).file, "api[1].Dockerfile.dockerignore");
  });
});

Deno.test("contextRules() takes the ignore file beside a Dockerfile that is outside of the context", async () => {
  const files = {
    "infra/api.Dockerfile": "FROM scratch\n",
    "infra/api.Dockerfile.dockerignore": "secret\n",
    "infra/web.Dockerfile": "FROM scratch\n",
    "infra/.dockerignore": "*\n",
    "app/.dockerignore": "dist\n",
  };
  await withFolder(files, async (root) => {
    const rulesOf = async (name: string): Promise<readonly string[]> => {
      const { rules } = await contextRules(`${root}/app`, { file: `${root}/infra/${name}`, name });
      return rules.map(({ pattern }) => pattern);
    };
    assert.deepEqual(await rulesOf("api.Dockerfile"), ["secret"]);
    assert.deepEqual(await rulesOf("web.Dockerfile"), ["dist"]);
  });
});

/** BuildKit reads ignore files with the context as the root of all paths; with other rules the image had other files. */
Deno.test("contextRules() follows links as if the folder were the root of the file system", async (t) => {
  const cases: readonly (readonly [name: string, target: string, pattern: string | undefined])[] = [
    ["a file beside it", "rules", "inside"],
    ["a file further down", "./config/../config/ignored", "below"],
    ["an absolute path", "/rules", "inside"],
    ["a path that would leave the context", "../../../rules", "inside"],
    ["a file outside", "../outside", undefined],
    ["a link to a link in another folder", "config/link", "below"],
    ["nothing", "nowhere", undefined],
    ["itself", ".dockerignore", undefined],
    ["a folder", "config", undefined],
  ];
  const files = { "app/rules": "inside\n", "app/config/ignored": "below\n", "outside": "outside\n" };
  for (const [name, target, pattern] of cases) {
    await t.step(name, () =>
      withFolder(files, async (root) => {
        await Deno.symlink("/config/ignored", `${root}/app/config/link`);
        await Deno.symlink(target, `${root}/app/.dockerignore`);
        const dockerfile = { file: `${root}/Dockerfile`, name: "Dockerfile" };
        const { rules } = await contextRules(`${root}/app`, dockerfile);
        assert.deepEqual(rules.map((rule) => rule.pattern), pattern === undefined ? [] : [pattern]);
      }));
  }
});
