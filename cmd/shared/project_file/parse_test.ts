import assert from "node:assert/strict";
import { UsageError } from "../../../pkg/cli/mod.ts";
import { parseProjectFile } from "./parse.ts";

function problems(value: unknown): readonly string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1);
  try {
    parseProjectFile("unkey.json", text);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message.split("\n");
  }
  return [];
}

const BUILD = {
  args: { A: "1", B: 2, C: true },
  secrets: { "npm.token": { env: "NPM_TOKEN" }, b: { file: "x" } },
  target: "prod",
  includeGit: true,
  noCache: false,
  pull: true,
  platform: "linux/arm/v7",
  variables: ["NEXT_PUBLIC_X"],
};

Deno.test("unkey.json may have every key, comments, commas at the end of lists and a byte order mark", () => {
  const text = `\ufeff// for deploys
{
  "$schema": "docs/unkey.schema.json", /* for editors */
  "project": "shop",
  "environment": "qa",
  "context": "../..",
  "dockerfile": "d",
  "port": 1, // the app's
  "healthCheckPath": "/up",
  "build": ${JSON.stringify(BUILD)},
}
`;
  for (const each of [text, text.replaceAll("\n", "\r\n")]) {
    const { settings, lineOf } = parseProjectFile("unkey.json", each);
    assert.equal(settings.port, 1);
    assert.deepEqual(settings.build, BUILD);
    assert.deepEqual(["project", "port", "build.args", "none"].map(lineOf), [4, 8, 10, undefined]);
  }
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ build: {} }), []);
});

Deno.test("unkey.json is checked as a whole, and each problem has its line, column and nearest key", () => {
  const text = `{
  "projct": "shop",
  "colour": 1,
  "port": 70000,
  "healthCheckPath": "up",
  "project": "", "port": 1
}`;
  assert.deepEqual(problems(text), [
    "unkey.json has 5 problems:",
    '  2:3 "projct" is not known: did you mean "project"?',
    '  3:3 "colour" is not known. Known: $schema, project, environment, context, dockerfile, port, command, healthCheckPath, healthCheck, startTimeout, stopSignal, stopTimeout, ephemeralStorage, regions, init, openapiPath, releaseCommand, releaseTimeout, scaling, crons, sleepAfter, protocol, memory, cpu, replicas, variables, domains, idleEnd, build',
    '  5:22 "healthCheckPath" must be a path that begins with "/"',
    '  6:14 "project" must be the slug or id of a project',
    '  6:18 "port" is there twice',
  ]);
  assert.deepEqual(problems({ port: "8080" }), [
    "unkey.json has a problem:",
    '  2:10 "port" must be a whole number between 1 and 65535',
  ]);
});

Deno.test("unkey.json names each wrong part of build", () => {
  const wrong = {
    args: { A: {}, "A-B": "" },
    secrets: { a: { env: "A", file: "b" }, b: "hunter2", c: { file: "" }, "a/b": { env: "A" } },
    target: "a b",
    noCache: "yes",
    platform: "amd64",
    variables: ["A-B"],
    argz: {},
  };
  assert.deepEqual(problems({ build: wrong }), [
    "unkey.json has 11 problems:",
    '  4:9 "build.args.A" must be text',
    '  5:4 "build.args.A-B" must be a name of letters, digits and underscores',
    '  8:9 "build.secrets.a" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  12:9 "build.secrets.b" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  14:13 "build.secrets.c.file" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  16:4 "build.secrets.a/b" must be an id of letters, digits, dots, hyphens and underscores',
    '  20:13 "build.target" must be the name of a stage',
    '  21:14 "build.noCache" must be true or false',
    '  22:15 "build.platform" must be like "linux/amd64" or "linux/arm/v7"',
    '  24:4 "build.variables.0" must be a name of letters, digits and underscores',
    '  26:3 "build.argz" is not known: did you mean "build.args"?',
  ]);
  assert.deepEqual(problems({ build: [] }), [
    "unkey.json has a problem:",
    '  2:11 "build" must be a JSON object',
  ]);
});

Deno.test("unkey.json that is not JSON says where and why", () => {
  const cases: readonly (readonly [text: string, says: string])[] = [
    ["", "1:1 is not JSON: a value is missing"],
    ["// only a comment\n", "2:1 is not JSON: a value is missing"],
    ["{", '1:2 is not JSON: a "}" is missing'],
    ['{\n "a": 1\n "b": 2}', "3:2 is not JSON: a comma is missing"],
    ['{"project": "hunter2}', "1:13 is not JSON: a text has no closing quote"],
    ["{'project': 1}", "1:2 is not JSON: a character that cannot be here"],
    ['{"port": }', "1:10 is not JSON: a value is missing"],
    ['{"port" 1}', "1:9 is not JSON: a colon is missing"],
    ["{} x", "1:4 is not JSON: a character that cannot be here"],
    ["{}{}", "1:3 is not JSON: there is more behind the end"],
    ["{/* x", "1:2 is not JSON: a comment has no end"],
  ];
  for (const [text, says] of cases) {
    assert.deepEqual(problems(text), [`unkey.json:${says}. Correct it, or remove it.`], text);
  }
  assert.deepEqual(problems("[]"), ["unkey.json has a problem:", "  1:1 it must be a JSON object"]);
  assert.match(problems("[".repeat(200_000))[0] ?? "", /^unkey\.json is nested too deeply/);
});

Deno.test("unkey.json names each wrong part of a cron, and its nearest key", () => {
  const text = `{
  "crons": [
    { "name": "a", "schedule": "* * * *", "command": "x", "timzone": "UTC" },
    { "name": "a", "schedule": "0 0 30 2 *", "command": [], "timezone": "Mars/X" }
  ]
}`;
  assert.deepEqual(problems(text), [
    "unkey.json has 6 problems:",
    '  3:32 "crons.0.schedule" must have the five fields of cron, e.g. "*/15 * * * *", or be a name such as "@hourly"',
    '  3:59 "crons.0.timzone" is not known: did you mean "crons.0.timezone"?',
    '  4:15 "crons.1.name" "a" is the name of another one, too',
    '  4:32 "crons.1.schedule" names a day that never comes: "0 0 30 2 *"',
    '  4:57 "crons.1.command" must be a command line for sh, or a list of words such as ["npm", "run", "cleanup"]',
    '  4:73 "crons.1.timezone" must be a time zone such as "Europe/Berlin"',
  ]);
});
