import assert from "node:assert/strict";
import { releaseText, releaseWords } from "./release_words.ts";

const CASES: readonly (readonly [text: string, words: readonly string[] | undefined])[] = [
  ["npm run migrate", ["sh", "-c", "npm run migrate"]],
  ["a && b", ["sh", "-c", "a && b"]],
  ['["npm","run","migrate"]', ["npm", "run", "migrate"]],
  // The test of a shell, and no list.
  ["[ -f x ] && y", ["sh", "-c", "[ -f x ] && y"]],
  ["[1, 2]", ["sh", "-c", "[1, 2]"]],
  ["[]", undefined],
  ["  ", undefined],
];

for (const [text, words] of CASES) {
  Deno.test(`a release command ${JSON.stringify(text)} has its words`, () => {
    assert.deepEqual(releaseWords(text), words);
  });
}

Deno.test("a release command is shown as it was written", () => {
  assert.equal(releaseText(["sh", "-c", "a && b"]), "a && b");
  assert.equal(releaseText(["npm", "run", "migrate"]), "npm run migrate");
  assert.equal(releaseText(["sh", "-c"]), "sh -c");
});
