import assert from "node:assert/strict";
import { copiedPaths } from "./copied_paths.ts";

Deno.test("copiedPaths() lists the paths of the context that a Dockerfile names", async (t) => {
  const cases: readonly (readonly [name: string, dockerfile: string, paths: readonly string[]])[] = [
    ["COPY and ADD", "COPY a ./b /c/ /dest\nadd d.txt .\n", ["a", "b", "c", "d.txt"]],
    ["flags", "COPY --chown=1:2 --link .npmrc ./\n", [".npmrc"]],
    ["another stage", "COPY --link --from=build /out .git /\n", []],
    ["the JSON form", 'COPY ["a b.txt", "c", "/d/"]\n', ["a b.txt", "c"]],
    ["JSON that is none", 'COPY ["a\n', []],
    ["the whole context", "COPY . .\nADD ./ /\n", []],
    ["variables and patterns", "COPY $A ${B}/c *.txt a? [x] /\n", []],
    ["lines that go on", "COPY a \\\n  # a comment\n  b \\\n  /\nCOPY c `\n /\n", ["a", "b", "c"]],
    ["comments, other instructions and Windows line ends", "# COPY a /\nRUN echo COPY b c\r\nCOPY d /\r\n", [
      "d",
    ]],
    ["the end without a line end", "COPY a /", ["a"]],
    ["ONBUILD", "ONBUILD COPY a /\n", ["a"]],
    [
      "mounts",
      "RUN --mount=type=bind,source=.git,target=/g --mount=type=secret,id=x make\n" +
      "RUN --mount=src=./b,dst=/b --mount=type=bind,from=other,source=c make\n",
      [".git", "b"],
    ],
    ["a cloned repository", "RUN git clone https://example.com/x.git && rm -rf .git\n", []],
  ];
  for (const [name, dockerfile, paths] of cases) {
    await t.step(name, () => {
      assert.deepEqual([...copiedPaths(new TextEncoder().encode(dockerfile))], paths);
    });
  }
});
