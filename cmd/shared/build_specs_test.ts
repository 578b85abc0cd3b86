import assert from "node:assert/strict";
import { parseArguments, parseSecrets, parseVariables, secretText } from "./build_specs.ts";

Deno.test("parseArguments() splits at the first equals sign, and the last one of a name holds", () => {
  assert.deepEqual(parseArguments(["A=1", "B", "URL=http://x?a=b", "A=", "E=a b\n"]), [
    { name: "A", value: "" },
    { name: "B", value: undefined },
    { name: "URL", value: "http://x?a=b" },
    { name: "E", value: "a b\n" },
  ]);
  for (const bad of ["", "=1", "A-B=1", "1A", "Ä=1", `${"A".repeat(257)}=1`]) {
    assert.throws(() => parseArguments([bad]), /must begin with a name/, bad);
  }
});

Deno.test("parseVariables() takes names, each once", () => {
  assert.deepEqual(parseVariables(["A", "B", "A"]), ["A", "B"]);
  assert.throws(() => parseVariables(["A=1"]), /must begin with a name/);
});

/** As docker build reads them: a Makefile or a CI job that has them already should go on working. */
Deno.test("parseSecrets() reads the grammar of docker build --secret", async (t) => {
  const env = (name: string) => ({ kind: "env", name }) as const;
  const file = (path: string) => ({ kind: "file", path }) as const;
  const cases: readonly [
    text: string,
    id: string,
    source: ReturnType<typeof parseSecrets>[number]["source"],
  ][] = [
    ["id=token", "token", { kind: "either" }],
    ["id=token,env=NPM_TOKEN", "token", env("NPM_TOKEN")],
    ["id=npmrc,src=.npmrc", "npmrc", file(".npmrc")],
    ["source=/a=b,ID=a.b_c-d", "a.b_c-d", file("/a=b")],
    ["type=file,id=a,src=x", "a", file("x")],
    ["type=env,id=a,env=X", "a", env("X")],
    ["type=env,id=a,src=X", "a", env("X")],
    ["type=env,id=a", "a", { kind: "either" }],
    ['id=a,"src=/with,comma and ""quotes"""', "a", file('/with,comma and "quotes"')],
    ["id=a,env=X,src=y", "a", env("X")],
  ];
  for (const [text, id, source] of cases) {
    await t.step(text, () => assert.deepEqual(parseSecrets([text]), [{ id, source }]));
  }
  assert.deepEqual(parseSecrets(["id=a,env=X", "id=b", "id=a,env=Y"]).map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(parseSecrets(["id=a,env=X", "id=a,env=Y"])[0]?.source, env("Y"));
  const path = '/a,b "c"=d';
  assert.deepEqual(parseSecrets([secretText("a", "src", path)])[0]?.source, file(path));
});

Deno.test("parseSecrets() names the problem without the given value", () => {
  const bad = [
    "hunter2",
    "id=a,hunter2",
    "id=a,hunter2=x",
    "env=hunter2",
    "id=hunter2 hunter2",
    "id=",
    "",
    "id=a,type=hunter2",
    'id="hunter2',
    "id=a,",
  ];
  for (const text of bad) {
    assert.throws(() => parseSecrets([text]), (error: Error) => {
      assert.match(error.message, /^must /, text);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});
