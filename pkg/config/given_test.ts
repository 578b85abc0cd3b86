import assert from "node:assert/strict";
import { field, givenValues, listField, secretField, type Sources, textSchema } from "./mod.ts";

const NAME = field({ flag: "name", env: "T_NAME", file: "name", help: "Name.", schema: textSchema("x") });
const LIST = listField({
  flag: "one",
  env: "T_LIST",
  file: "list",
  placeholder: "<text>",
  help: "Texts.",
  parse: (values) => values,
});
const SECRET = secretField({ env: "T_SECRET", help: "Secret.", required: false });

function sources(
  { flags = {}, env = {}, file = {} }: {
    readonly flags?: Readonly<Record<string, string | boolean | readonly string[]>>;
    readonly env?: Readonly<Record<string, string>>;
    readonly file?: Readonly<Record<string, string | readonly string[]>>;
  },
): Sources {
  return {
    flags: new Map(Object.entries(flags)),
    env: (name) => env[name],
    file: { path: "/app/unkey.json", value: (key) => file[key], lineOf: (key) => key === "name" ? 3 : 7 },
    readFile: (path) => {
      if (path === "/run/secret") return "hunter2\n";
      throw new Error("no such file");
    },
  };
}

Deno.test("givenValues() is the value that holds, with its place", () => {
  const [file, env, flags] = [{ name: "file" }, { T_NAME: "variable" }, { name: "flag" }];
  assert.deepEqual(givenValues(NAME, sources({})), []);
  assert.deepEqual(givenValues(NAME, sources({ file })), [
    { value: "file", origin: { kind: "file", path: "/app/unkey.json", line: 3 } },
  ]);
  assert.deepEqual(givenValues(NAME, sources({ file, env })), [
    { value: "variable", origin: { kind: "variable", name: "T_NAME" } },
  ]);
  assert.deepEqual(givenValues(NAME, sources({ file, env, flags })), [
    { value: "flag", origin: { kind: "flag" } },
  ]);
  assert.deepEqual(givenValues(NAME, sources({ env: { T_NAME: "" } })), [], "an empty variable is none");
});

Deno.test("givenValues() of a repeated setting are all values, each with its place", () => {
  const all = givenValues(
    LIST,
    sources({ file: { list: ["a", "b"] }, env: { T_LIST: "c\n \n d" }, flags: { one: ["e"] } }),
  );
  assert.deepEqual(all.map(({ value, origin }) => [value, origin.kind]), [
    ["a", "file"],
    ["b", "file"],
    ["c", "variable"],
    ["d", "variable"],
    ["e", "flag"],
  ]);
});

Deno.test("givenValues() of a secret is its variable, or the file that the variable with _FILE names", () => {
  const origin = { kind: "secret_file", name: "T_SECRET_FILE", path: "/run/secret" };
  const file = { T_SECRET_FILE: "/run/secret" };
  assert.deepEqual(givenValues(SECRET, sources({ env: file })), [{ value: "hunter2", origin }]);
  const [given] = givenValues(SECRET, sources({ env: { ...file, T_SECRET: "direct" } }));
  assert.deepEqual(given, { value: "direct", origin: { kind: "variable", name: "T_SECRET" } });
  const problems: string[] = [];
  const none = givenValues(
    SECRET,
    sources({ env: { T_SECRET_FILE: "/none" } }),
    (text) => problems.push(text),
  );
  assert.deepEqual([none, problems], [[], ["T_SECRET_FILE names a file that cannot be read: /none"]]);
});
