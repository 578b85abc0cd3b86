import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { createLogger, type LogFields, type LogFormat } from "./mod.ts";

function line(format: LogFormat, event: string, fields: LogFields): string {
  const lines: string[] = [];
  const write = (each: string): void => void lines.push(each);
  createLogger({ service: "test", level: "info", format, write, now: () => new Date(0) }).info(event, fields);
  const [only = ""] = lines;
  assert.equal(lines.length, 1);
  assert.ok(!only.includes("\n"), "a line is one line");
  return only;
}

Deno.test("a line of text has time, level, service, event, and fields as name=value", () => {
  const fields = { code: "ok", ms: 3, text: "two words", list: ["a", 1], none: undefined, big: 12n };
  assert.equal(
    line("text", "rpc", fields),
    '1970-01-01T00:00:00.000Z INFO  test rpc code=ok ms=3 text="two words" list=["a",1] big=12',
  );
});

Deno.test("untrusted text cannot begin a line, or look like a field, in the text format", () => {
  const hostile = "x\n1970-01-01T00:00:00.000Z ERROR test forged key=value \u001b[31m";
  for (const text of [line("text", hostile, {}), line("text", "rpc", { hostile })]) {
    assert.doesNotMatch(text, /^\S+ ERROR/m);
    assert.ok(!text.includes("\u001b"));
  }
  assert.equal(line("text", "rpc", { a: "b=c d" }).split(" a=")[1], '"b=c d"');
});

Deno.test("fields that JSON cannot hold are left out of a text, and the line says so", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  assert.match(line("text", "broken", { circular }), / broken fields="cannot be written as JSON"$/);
});

Deno.test("no format prints a secret, wherever it is", async (t) => {
  const key = "unkey_3ZxTq8vN2mKp7RwL5sYdHb";
  const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----";
  const cases: Readonly<Record<string, LogFields>> = {
    "a wrapped value": { value: new Secret("hunter2-hunter2") },
    "a field of that name": {
      password: "hunter2-hunter2",
      root_key: "hunter2-hunter2",
      "Set-Cookie": "hunter2-hunter2",
    },
    "a field further in": { request: { headers: [{ authorization: "hunter2-hunter2" }] } },
    "an object under such a name": { credentials: { user: "a", pass: "hunter2-hunter2" } },
    "a URL in an error": { error: new Error("dial mysql://root:hunter2-hunter2@db:3306/unkey failed") },
    "a URL in a text": { error: "unavailable: GET https://u:hunter2-hunter2@proxy:8080/ failed" },
    "a header in a text": { error: "sent Authorization: Bearer hunter2-hunter2 to it" },
    "a key of the platform": { error: `the key ${key} is revoked` },
    "a private key": { error: `cannot read ${pem}` },
  };
  for (const [name, fields] of Object.entries(cases)) {
    for (const format of ["json", "text"] as const) {
      await t.step(`${name}, as ${format}`, () => {
        const text = line(format, "failed", fields);
        assert.doesNotMatch(text, /hunter2|3ZxTq8vN2mKp7RwL5sYdHb|MIIEvQ/);
        assert.match(text, /\[redacted\]|\[secret\]/);
      });
    }
  }
});

Deno.test("text that only looks like a secret stays", () => {
  const fields = {
    key_id: "key_2hT9",
    workspace_id: "ws_3ZxTq8vN2mKp7Rw",
    token_missing: true,
    token: undefined,
    url: "https://shop.example:8443/a:b@c",
    at: "user@example.com",
    event_name: "region_health",
    error: "no Bearer token was sent",
  };
  const parsed = JSON.parse(line("json", "rpc", fields));
  const { token: _token, ...kept } = fields;
  assert.deepEqual(parsed, {
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    service: "test",
    event: "rpc",
    ...kept,
  });
});

Deno.test("a very long untrusted text is searched for secrets in time that grows with its length only", () => {
  const texts = [
    "a:".repeat(200_000),
    `https://${"u:".repeat(200_000)}`,
    "Bearer ".repeat(60_000),
    "region_".repeat(60_000),
  ];
  for (const text of texts) {
    const startedAtMs = performance.now();
    line("json", "rpc", { text });
    assert.ok(performance.now() - startedAtMs < 5_000, text.slice(0, 20));
  }
});
