import assert from "node:assert/strict";
import { contextRules } from "./context_rules.ts";
import { withFolder } from "./fixtures_test.ts";
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
