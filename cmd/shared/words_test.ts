import assert from "node:assert/strict";
import { joinWords, splitWords } from "./words.ts";

Deno.test("splitWords() takes command lines apart", async (t) => {
  const cases: readonly [string, readonly string[] | undefined][] = [
    ["node server.js", ["node", "server.js"]],
    ["  a\t b ", ["a", "b"]],
    [`sh -c "exec app --name 'x y'"`, ["sh", "-c", "exec app --name 'x y'"]],
    [`a'b c'd`, ["ab cd"]],
    [`"a \\"b\\" \\c"`, [`a "b" \\c`]],
    ["a\\ b", ["a b"]],
    ["a \\", ["a", "\\"]],
    ["a\\", ["a\\"]],
    [`a ""`, ["a", ""]],
    [`a "b`, undefined],
    ["", undefined],
    ["  ", undefined],
  ];
  for (const [text, words] of cases) {
    await t.step(JSON.stringify(text), () => assert.deepEqual(splitWords(text), words));
  }
});

Deno.test("joinWords() is undone by splitWords()", () => {
  for (const words of [["node", "server.js"], ["sh", "-c", "echo 'a b' \"$X\" \\"], ["", "a"]]) {
    assert.deepEqual(splitWords(joinWords(words)), words);
  }
});
