import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parseRequestHead, requestHeadEnd, responseHeadEnd } from "./head.ts";
import { hostName } from "./request.ts";

const HEAD = "GET /a HTTP/1.1\r\nHost: a\r\nX: \t b c\t\r\nEmpty:\r\n\r\n";

Deno.test("a request head is found wherever its bytes are cut", () => {
  const bytes = Buffer.from(`${HEAD}body`);
  for (let cut = 0; cut < HEAD.length; cut++) assert.equal(requestHeadEnd(bytes.subarray(0, cut), 0), -1);
  for (let scanned = 0; scanned < HEAD.length; scanned++) {
    assert.equal(requestHeadEnd(bytes, scanned), HEAD.length, `after ${scanned} bytes`);
  }
});

Deno.test("a response head may end its lines with LF", () => {
  for (
    const head of ["HTTP/1.1 200 OK\nX: y\n\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", "HTTP/1.1 200 OK\n\r\n"]
  ) {
    assert.equal(responseHeadEnd(Buffer.from(`${head}body`), 0), head.length);
  }
});

Deno.test("header values lose the blanks around them and nothing else", () => {
  const bytes = Buffer.from(HEAD);
  const parsed = parseRequestHead(bytes, bytes.length, 10);
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.value.headers.map(({ name, value }) => [name, value]), [
    ["Host", "a"],
    ["X", "b c"],
    ["Empty", ""],
  ]);
});

for (
  const { header, name } of [
    { header: "App.Localhost", name: "app.localhost" },
    { header: "app.localhost:7070", name: "app.localhost" },
    { header: "app.localhost.:80", name: "app.localhost" },
    { header: "app_1.localhost", name: "app_1.localhost" },
    { header: "127.0.0.1:80", name: "127.0.0.1" },
    { header: "[::1]:80", name: "[::1]" },
    { header: "a:99999", name: undefined },
    { header: "a:b", name: undefined },
    { header: "a b", name: undefined },
    { header: "", name: undefined },
    { header: ".a", name: undefined },
    { header: "a/../b", name: undefined },
    { header: "b\xfccher.localhost", name: undefined },
  ]
) {
  Deno.test(`hostName() of ${JSON.stringify(header)} is ${JSON.stringify(name)}`, () => {
    assert.equal(hostName(header), name);
  });
}
