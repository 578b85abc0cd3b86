import assert from "node:assert/strict";
import { type ContextRules, contextRules } from "./context_rules.ts";
import { withFolder } from "./testing.ts";
import { IgnoreMatcher } from "./matcher.ts";

/** Of a build that sends `.git`, so that there are no rules but those of files. */
function rulesOf(root: string, file: string, name: string): Promise<ContextRules> {
  return contextRules(root, { dockerfile: { file, name }, includeGit: true });
}

async function ignores(root: string, dockerfile: string, path: string): Promise<boolean> {
  const { rules, file } = await rulesOf(root, `${root}/${dockerfile}`, dockerfile);
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
    const { file } = await rulesOf(root, `${root}/api[1].Dockerfile`, "api[1].Dockerfile");
    assert.equal(file, "api[1].Dockerfile.dockerignore");
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
    const patternsOf = async (name: string): Promise<readonly string[]> => {
      const { rules } = await rulesOf(`${root}/app`, `${root}/infra/${name}`, name);
      return rules.map(({ pattern }) => pattern);
    };
    assert.deepEqual(await patternsOf("api.Dockerfile"), ["secret"]);
    assert.deepEqual(await patternsOf("web.Dockerfile"), ["dist"]);
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
        const { rules } = await rulesOf(`${root}/app`, `${root}/Dockerfile`, "Dockerfile");
        assert.deepEqual(rules.map((rule) => rule.pattern), pattern === undefined ? [] : [pattern]);
      }));
  }
});

/** Docker strips the mark of UTF-8 and knows no other (moby/patternmatcher, ignorefile). */
Deno.test("contextRules() reads ignore files as UTF-8, as Docker does, and says which are in UTF-16", async (t) => {
  const text = "secret\r\ndist\n";
  const utf16 = (littleEndian: boolean): Uint8Array => {
    const bytes = new DataView(new ArrayBuffer(2 * text.length + 2));
    bytes.setUint16(0, 0xfeff, littleEndian);
    [...text].forEach((char, at) => bytes.setUint16(2 * at + 2, char.charCodeAt(0), littleEndian));
    return new Uint8Array(bytes.buffer);
  };
  const utf8 = new TextEncoder().encode(text);
  const cases: readonly (readonly [name: string, bytes: Uint8Array, ignored: boolean, utf16: boolean])[] = [
    ["UTF-8", utf8, true, false],
    ["UTF-8 with a mark", new Uint8Array([0xef, 0xbb, 0xbf, ...utf8]), true, false],
    ["UTF-16, little-endian", utf16(true), false, true],
    ["UTF-16, big-endian", utf16(false), false, true],
    ["an empty file", new Uint8Array(0), false, false],
  ];
  for (const [name, bytes, ignored, isUtf16] of cases) {
    await t.step(name, () =>
      withFolder({ "Dockerfile": "FROM scratch\n" }, async (root) => {
        for (const file of [".dockerignore", "web.Dockerfile.dockerignore"]) {
          await Deno.writeFile(`${root}/${file}`, bytes);
          const dockerfile = file === ".dockerignore" ? "Dockerfile" : "web.Dockerfile";
          assert.equal((await rulesOf(root, `${root}/${dockerfile}`, dockerfile)).utf16, isUtf16);
          assert.equal(await ignores(root, dockerfile, "secret"), ignored);
          assert.equal(await ignores(root, dockerfile, "dist"), ignored);
        }
      }));
  }
});
