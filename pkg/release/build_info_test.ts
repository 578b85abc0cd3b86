import assert from "node:assert/strict";
import { newKeyPair, parseBuildInfo } from "./mod.ts";

const INFO = {
  url: "https://example.com/releases",
  publicKey: newKeyPair().publicKey,
  packaging: "archive",
  commit: "0123456789",
};

Deno.test("the facts that a release wrote are read", () => {
  assert.deepEqual(parseBuildInfo(JSON.stringify(INFO)), INFO);
});

Deno.test("a text that no release wrote has no facts", async (t) => {
  const texts = [
    "",
    "{",
    JSON.stringify({ ...INFO, url: "file:///etc" }),
    JSON.stringify({ ...INFO, packaging: "rpm" }),
  ];
  for (const text of texts) await t.step(text, () => assert.equal(parseBuildInfo(text), undefined));
});
