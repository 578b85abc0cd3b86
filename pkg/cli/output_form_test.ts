import assert from "node:assert/strict";
import { z } from "zod";
import { field } from "../config/mod.ts";
import { testProcess } from "../testkit/process.ts";
import { type Command, defineCommand, dispatch } from "./mod.ts";
import { outputForm } from "./output_form.ts";

const OUTPUT = field({
  flag: "output",
  env: "UNKEY_OUTPUT",
  help: "Form.",
  shorts: [{ flag: "json", env: "UNKEY_JSON", value: "json" }],
  schema: z.enum(["text", "json", "ndjson"]).default("text"),
});
const run = (): Promise<void> => Promise.reject(new Error("not the subject"));
const PRINTS = defineCommand({ fields: { output: OUTPUT }, run });
const EVENTS = defineCommand({ fields: { output: OUTPUT }, events: true, failure: { id: null }, run });
const SERVES = defineCommand({ fields: {}, run });

Deno.test("outputForm() reads flags before variables, as the setting itself does", () => {
  const cases: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>?])[] = [
    ["text", []],
    ["json", ["list", "--json"]],
    ["json", ["--json=true"]],
    ["text", ["--json=false"]],
    ["json", ["--output", "json"]],
    ["ndjson", ["--output=ndjson"]],
    ["ndjson", ["--output=json", "--json", "--output", "ndjson"]],
    ["text", ["--output", "text", "--json"]],
    ["text", ["--output", "xml"]],
    ["text", ["--output"]],
    ["text", ["--", "--json"]],
    ["json", [], { UNKEY_JSON: "1" }],
    ["ndjson", [], { UNKEY_JSON: "1", UNKEY_OUTPUT: "ndjson" }],
    ["text", ["--output=text"], { UNKEY_JSON: "1" }],
    ["json", ["--json"], { UNKEY_OUTPUT: "ndjson" }],
  ];
  for (const [form, args, env = {}] of cases) {
    assert.equal(outputForm({ args, env: (name) => env[name] }, PRINTS), form, JSON.stringify([args, env]));
  }
  assert.equal(outputForm({ args: ["--json"], env: () => "json" }, SERVES), "text");
});

async function failing(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  await using process = await testProcess({ args: ["run", ...args, "--no-such"], env });
  const leaf = { summary: "Runs", load: () => Promise.resolve({ command }) };
  const code = await dispatch({ summary: "A tree.", commands: { run: leaf } }, process);
  return { code, stdout: process.printed.stdout };
}

Deno.test("a wrong call gets its failure in the form that it asks for", async () => {
  assert.deepEqual(await failing(PRINTS, []), { code: 2, stdout: "" });
  for (const call of [["--json"], ["--output=json"], ["--output", "ndjson"]]) {
    const { code, stdout } = await failing(PRINTS, call);
    assert.equal(code, 2);
    const { error, exitCode, ...rest } = JSON.parse(stdout);
    assert.deepEqual([error.code, exitCode, rest], ["usage", 2, {}]);
  }
  const byVariable = JSON.parse((await failing(PRINTS, [], { UNKEY_JSON: "1" })).stdout);
  assert.equal(byVariable.error.code, "usage");
});

Deno.test("the failure of a command with events is the last of them, a result with its time", async () => {
  const { stdout } = await failing(EVENTS, ["--output=ndjson"]);
  const { kind, time, id, exitCode } = JSON.parse(stdout);
  assert.deepEqual([kind, typeof time, id, exitCode], ["result", "number", null, 2]);
  const asJson = JSON.parse((await failing(EVENTS, ["--json"])).stdout);
  assert.equal("kind" in asJson, false);
});
