import assert from "node:assert/strict";
import { buildKey, type BuildKeyParts, mentions } from "./build_key.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PARTS: BuildKeyParts = {
  contentId: "content",
  dockerfile: { path: "Dockerfile", content: bytes("FROM scratch\n") },
  platform: "linux/amd64",
  target: "app",
  arguments: { A: "1", B: "2" },
  secretsDigest: "secrets",
};

Deno.test("buildKey() differs where anything that decides an image differs", () => {
  const { dockerfile } = PARTS;
  const others: readonly Partial<BuildKeyParts>[] = [
    {},
    { contentId: "other" },
    { dockerfile: { ...dockerfile, path: "docker/Dockerfile" } },
    { dockerfile: { ...dockerfile, content: bytes("FROM scratch \n") } },
    { platform: "linux/arm64" },
    { platform: "" },
    { target: "" },
    { arguments: { A: "1" } },
    { arguments: { A: "1", B: "3" } },
    { arguments: { A: "2", B: "1" } },
    { arguments: { A: "1", B: "2", C: "" } },
    { secretsDigest: "" },
    // The same texts, one place further.
    { platform: "app", target: "linux/amd64" },
    { target: "secrets", secretsDigest: "app" },
  ];
  const keys = others.map((other) => buildKey({ ...PARTS, ...other }));
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("buildKey() does not depend on the order of the arguments", () => {
  assert.equal(buildKey({ ...PARTS, arguments: { B: "2", A: "1" } }), buildKey(PARTS));
});

Deno.test("mentions() finds a word however a Dockerfile may write it", async (t) => {
  const word = "UNKEY_GIT_COMMIT_SHA";
  const found: Readonly<Record<string, string>> = {
    "plainly": "FROM a\nARG UNKEY_GIT_COMMIT_SHA\n",
    "in a variable": "LABEL sha=${UNKEY_GIT_COMMIT_SHA:-none}",
    "over two lines": "ARG UNKEY_GIT_\\\nCOMMIT_SHA",
    "over two lines of Windows": "ARG UNKEY_GIT_\\ \r\nCOMMIT_SHA",
    "with another escape character": "# escape=`\nARG UNKEY_GIT_`\nCOMMIT_SHA",
    "around a comment": "ARG UNKEY_GIT_\\\n  # between\nCOMMIT_SHA",
    "in quotes": 'ARG UNKEY_"GIT"_COMMIT_SHA',
    "in a comment, which costs a build at most": "# UNKEY_GIT_COMMIT_SHA\nFROM a",
  };
  for (const [name, text] of Object.entries(found)) {
    await t.step(name, () => assert.equal(mentions(text, word), true, text));
  }
  for (const text of ["", "ARG UNKEY_GIT_COMMIT", "ARG UNKEY_GIT\n_COMMIT_SHA"]) {
    await t.step(`not in ${JSON.stringify(text)}`, () => assert.equal(mentions(text, word), false));
  }
});
