import assert from "node:assert/strict";
import { z } from "zod";
import { field, loadConfig, shortHelp } from "./mod.ts";
import { parseSwitch } from "./shorts.ts";

const FIELDS = {
  output: field({
    flag: "output",
    env: "T_OUTPUT",
    help: "Form.",
    shorts: [{ flag: "json", env: "T_JSON", value: "json" }],
    schema: z.enum(["text", "json", "ndjson"]).default("text"),
  }),
};

function load(flags: Record<string, string | boolean>, env: Record<string, string> = {}): string {
  const sources = {
    flags: new Map(Object.entries(flags)),
    env: (name: string) => env[name],
    readFile: () => "",
  };
  return loadConfig(FIELDS, sources).output;
}

Deno.test("a switch stands for a value of its setting, behind the setting's own flag, before variables", () => {
  const cases: readonly [string, Record<string, string | boolean>, Record<string, string>][] = [
    ["text", {}, {}],
    ["json", { json: true }, {}],
    ["json", { json: "yes" }, {}],
    ["text", { json: "false" }, {}],
    ["ndjson", { json: true, output: "ndjson" }, {}],
    ["json", { json: true }, { T_OUTPUT: "ndjson" }],
    ["json", {}, { T_JSON: "1" }],
    ["text", {}, { T_JSON: "0" }],
    ["ndjson", {}, { T_JSON: "1", T_OUTPUT: "ndjson" }],
    ["ndjson", { json: "false" }, { T_OUTPUT: "ndjson" }],
  ];
  for (const [output, flags, env] of cases) {
    assert.equal(load(flags, env), output, JSON.stringify([flags, env]));
  }
});

Deno.test("a switch that is neither true nor false is a problem that names it", () => {
  const problem = /--json \(T_JSON\) must be true or false/;
  assert.throws(() => load({ json: "maybe" }), problem);
  assert.throws(() => load({}, { T_JSON: "maybe" }), problem);
  assert.equal(load({}, { T_JSON: "" }), "text");
});

Deno.test("parseSwitch() knows the words for true and false, and no others", () => {
  assert.deepEqual(["1", "TRUE", "on", "0", "No", "off", "", "json"].map(parseSwitch), [
    ...[true, true, true, false, false, false],
    undefined,
    undefined,
  ]);
});

Deno.test("shortHelp() names the flag that a switch stands for", () => {
  const [short] = FIELDS.output.shorts ?? [];
  assert.ok(short !== undefined);
  assert.equal(shortHelp(FIELDS.output, short), "The same as --output json.");
});
