import assert from "node:assert/strict";
import { DOCUMENT_BYTES_MAX, readDocument } from "./read.ts";

const encoder = new TextEncoder();
const HEAD = "openapi: 3.0.3\ninfo: { title: pets, version: '1' }\npaths: {}\n";

async function problemOf(text: string | Uint8Array): Promise<string> {
  const read = await readDocument(typeof text === "string" ? encoder.encode(text) : text);
  return read.kind === "problem" ? read.problem : "none";
}

Deno.test("JSON and YAML of OpenAPI 3 are read", async () => {
  const document = { openapi: "3.1.0", paths: { "/pets": {} } };
  assert.deepEqual(await readDocument(encoder.encode(` ${JSON.stringify(document)}`)), {
    kind: "document",
    document,
    version: "3.1.0",
  });
  const yaml = await readDocument(encoder.encode(`${HEAD}x: &a { b: 1 }\ny: *a\n`));
  assert.ok(yaml.kind === "document");
  assert.deepEqual([yaml.version, yaml.document["y"]], ["3.0.3", { b: 1 }]);
  const kinds =
    "x: { 200: ~, true: 0x10, '': [1.5, &b yes, *b], z: !!binary aGk=, __proto__: &b 2 }\ny: *b\n";
  const read = await readDocument(encoder.encode(`${HEAD}${kinds}`));
  assert.ok(read.kind === "document");
  const { x, y } = read.document;
  assert.deepEqual(
    [JSON.stringify(x), y],
    ['{"200":null,"true":16,"":[1.5,"yes","yes"],"z":"aGk=","__proto__":2}', 2],
  );
});

/** Ten levels of ten aliases each: ten thousand million values. */
function aliasBomb(): string {
  const levels = Array.from(
    { length: 10 },
    (_, level) =>
      `l${level + 1}: &l${level + 1} [${
        Array.from({ length: 10 }, () => level === 0 ? "x" : `*l${level}`).join(", ")
      }]`,
  );
  return `${HEAD}${levels.join("\n")}\n`;
}

/** Few aliases, of which each stands for many values. */
function wideAliases(): string {
  const wide = `w: &w [${Array.from({ length: 5_000 }, () => "1").join(", ")}]`;
  return `${HEAD}${wide}\nall: [${Array.from({ length: 90 }, () => "*w").join(", ")}]\n`;
}

Deno.test("text that is no document, or too large a document, is refused at once with a reason", async (t) => {
  const deep = (open: string, close: string, count: number) => open.repeat(count) + close.repeat(count);
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ["nothing", "", /is not an object/],
    ["a page", "<!doctype html><html><body>hello</body></html>", /is not an object|neither valid/],
    ["broken JSON", '{"openapi":', /not valid JSON/],
    ["broken YAML", "openapi: [", /neither valid JSON nor valid YAML/],
    ["a list", "- openapi", /is not an object/],
    ["Swagger 2", '{"swagger":"2.0","paths":{}}', /only OpenAPI 3/],
    ["a version that is a number", "openapi: 3.1\npaths: {}", /only OpenAPI 3/],
    ["paths of another kind", '{"openapi":"3.0.0","paths":[]}', /"paths"/],
    ["bytes", new Uint8Array([0x7b, 0xff, 0xfe]), /not UTF-8/],
    ["too many bytes", new Uint8Array(DOCUMENT_BYTES_MAX + 1).fill(0x20), /more than 1024 KiB/],
    [
      "deep JSON",
      `{"openapi":"3.0.0","x":${deep("[", "]", 100_000)}}`,
      /deeper than 100 levels|not valid JSON/,
    ],
    ["deep YAML", `${HEAD}x: ${deep("[", "]", 20_000)}`, /deeper than|neither valid/],
    ["many values", `{"openapi":"3.0.0","x":[${"1,".repeat(300_000)}1]}`, /more than 200000 values/],
    ["aliases of aliases", aliasBomb(), /more than 200000 values/],
    ["wide aliases", wideAliases(), /more than 200000 values/],
    ["a name twice", `${HEAD}x: 1\nx: 2\n`, /a name twice/],
    ["a number and a text of one name", `${HEAD}y: { 1: a, "1": b }\n`, /a name twice/],
    ["thousands of one name", `${HEAD}${"aaa:\n".repeat(10_000)}`, /a name twice/],
    [
      "a document of one name",
      `${HEAD}${"aaa:\n".repeat(200_000)}`,
      /80000 tokens of YAML: serve it as JSON/,
    ],
    ["many errors", `${HEAD}x: ${"]".repeat(500_000)}`, /neither valid/],
    ["a list as a name", `${HEAD}? [a]\n: b\n`, /neither valid/],
    ["an alias of nothing", `${HEAD}x: *a\n`, /neither valid/],
    ["an alias before its anchor", `${HEAD}x: *a\ny: &a 1\n`, /neither valid/],
    ["two documents", `${HEAD}---\n${HEAD}`, /neither valid/],
    ["lists within a line", `${HEAD}x:\n ${"- ".repeat(400_000)}`, /too many levels/],
    [
      "a path of braces",
      JSON.stringify({ openapi: "3.0.0", paths: { ["{".repeat(1_000_000)]: {} } }),
      /a path of more than 2048 characters/,
    ],
    ["a long path", JSON.stringify({ openapi: "3.0.0", paths: { ["/".repeat(2_048)]: {} } }), /^none$/],
    ["an alias of itself", `${HEAD}x: &x [*x]\n`, /deeper than|neither valid/],
    ["a tag of a program", `${HEAD}x: !!js/function "function () {}"\n`, /none/],
  ];
  for (const [name, text, problem] of cases) {
    await t.step(name, async () => assert.match(await problemOf(text), problem));
  }
});
