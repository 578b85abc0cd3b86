import assert from "node:assert/strict";
import { z } from "zod";
import type { Field } from "../../pkg/config/mod.ts";
import { unkey } from "../shared/testing.ts";
import { ENVIRONMENT_KEYS } from "../shared/project_file/environment_keys.ts";
import { parseProjectFile } from "../shared/project_file/parse.ts";
import { DEPLOY_FIELDS } from "../deploy/config.ts";

async function printed() {
  const { code, stdout } = await unkey(["config", "schema"]);
  assert.equal(code, 0);
  return JSON.parse(stdout);
}

function isTaken(value: unknown): boolean {
  try {
    parseProjectFile("unkey.json", JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

Deno.test("config schema takes and refuses what unkey.json takes and refuses", async () => {
  const schema = z.fromJSONSchema(await printed());
  const values: readonly unknown[] = [
    {},
    {
      $schema: "x",
      project: "a",
      environment: "b",
      context: "..",
      dockerfile: "d",
      port: 1,
      healthCheckPath: "/",
    },
    { build: { args: { A: "1", B: 2, C: true }, secrets: { "a.b": { env: "E" }, c: { file: "f" } } } },
    { build: { target: "t", noCache: true, pull: false, platform: "linux/amd64", variables: ["A"] } },
    { variables: { A: "", B: 1, C: false, D: { env: "X" }, E: { file: "f" }, F: { required: true } } },
    { domains: ["a.example", { name: "b.example", redirectTo: "a.example", environment: "qa" }] },
    { variables: { A: { required: false } } },
    { variables: ["A"] },
    { domains: ["", {}] },
    { domains: { name: "a.example" } },
    [],
    { projct: "a" },
    { project: "" },
    { port: 0 },
    { port: "1" },
    { port: 1.5 },
    { healthCheckPath: "up" },
    { build: [] },
    { build: { argz: {} } },
    { build: { args: { A: {} } } },
    { build: { args: { "A-B": "" } } },
    { build: { secrets: { a: { env: "A", file: "b" } } } },
    { build: { platform: "amd64" } },
    { build: { variables: ["A-B"] } },
  ];
  for (const value of values) {
    assert.equal(schema.safeParse(value).success, isTaken(value), JSON.stringify(value));
  }
});

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

function describedKeys({ properties = {} }: Node): string[] {
  return Object.entries(properties).flatMap(([key, child]) => [
    ...(child.description === undefined ? [] : [key]),
    ...describedKeys(child).map((each) => `${key}.${each}`),
  ]);
}

Deno.test("config schema describes each key that is a setting, with its default", async () => {
  const schema: Node = await printed();
  const keys = Object.values<Field<unknown>>(DEPLOY_FIELDS).flatMap(({ file }) => file ?? []);
  assert.ok(keys.length > 10);
  // The short form of `healthCheck.path` is a key without a setting of its own.
  // No deploy has those of the environment.
  const others = ["healthCheckPath", ...Object.keys(ENVIRONMENT_KEYS)];
  assert.deepEqual(describedKeys(schema).sort(), [...keys, ...others].sort());
  assert.equal(schema.properties?.["environment"]?.default, "preview");
});
