/** Headers of health checks and names of regions, as flags that may come more than once. */
import assert from "node:assert/strict";
import { APP_FIELDS } from "./app_fields.ts";
import { HEALTH_CHECK_FIELDS } from "./health_check_fields.ts";

Deno.test("--health-check-header takes headers, of which the last one of a name holds", async (t) => {
  const cases: readonly [string, readonly string[], readonly (readonly [string, string])[]][] = [
    ["none", [], []],
    ["one", ["X-Probe: 1"], [["x-probe", "1"]]],
    ["no blank after the colon", ["X-Probe:1"], [["x-probe", "1"]]],
    ["a value with colons", ["Origin: https://shop.example:8443"], [["origin", "https://shop.example:8443"]]],
    ["an empty value", ["X-Empty:"], [["x-empty", ""]]],
    ["the same name in other letters", ["X-A: 1", "B: 2", "x-a: 3"], [["x-a", "3"], ["b", "2"]]],
  ];
  for (const [name, given, expected] of cases) {
    await t.step(name, () => {
      assert.deepEqual(HEALTH_CHECK_FIELDS.healthCheckHeaders.schema.parse(given), expected);
    });
  }
});

Deno.test("--health-check-header refuses what is no header, and shows a part of it", async (t) => {
  const texts = ["X-Probe", ": 1", "X Probe: 1", "X: a\r\nY: b", "X: ü", `${"x".repeat(101)}: 1`];
  for (const text of texts) {
    await t.step(JSON.stringify(text.slice(0, 12)), () => {
      const { error } = HEALTH_CHECK_FIELDS.healthCheckHeaders.schema.safeParse(["A: 1", text]);
      const message = error?.issues[0]?.message ?? "";
      assert.match(message, /must be headers like "X-Probe: 1"/);
      assert.ok(message.includes(text.slice(0, 80)) && message.length < 150, message);
    });
  }
});

Deno.test("--region takes names one by one or in a list, and refuses what is none", async (t) => {
  const { schema } = APP_FIELDS.regions;
  assert.deepEqual(schema.parse(["eu-1", "us-1, ap-1"]), ["eu-1", "us-1", "ap-1"]);
  assert.deepEqual(schema.parse(["local.dev", "us-east-1.aws"]), ["local.dev", "us-east-1.aws"]);
  assert.deepEqual(schema.parse(undefined), []);
  for (const text of ["EU-1", "eu_1", "-eu", "eu-", "eu-1,", ".eu", "a".repeat(64)]) {
    await t.step(text.slice(0, 12), () => {
      assert.match(schema.safeParse([text]).error?.issues[0]?.message ?? "", /must be names of regions/);
    });
  }
});
