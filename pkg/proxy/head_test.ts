import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parseRequestHead, parseResponseHead, requestHeadEnd, responseHeadEnd } from "./head.ts";
import { hostName } from "./request.ts";
import { ResponseHeads } from "./response_heads.ts";
import { LIMITS } from "./types.ts";

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

Deno.test("folded lines of a response become one value each", async (t) => {
  const cases: readonly (readonly [name: string, lines: string, fields: readonly string[]])[] = [
    ["one fold", "A: b\r\n c\r\nD: e", ["A=b c", "D=e"]],
    ["blanks on both sides", "A: b \t\r\n\t  c", ["A=b c"]],
    ["blanks within a line", "A: b  c\r\n d", ["A=b  c d"]],
    ["several folds", "A: b\r\n c\r\n\td", ["A=b c d"]],
    ["a line of blanks only", "A: b\r\n \t \r\n c", ["A=b  c"]],
    ["a fold at the end", "A: b\r\n ", ["A=b"]],
    ["lines that end in LF", "A: b \n c\nD: e", ["A=b c", "D=e"]],
    ["a blank at the end without a fold", "A: b \r\nD: e", ["A=b", "D=e"]],
  ];
  for (const [name, lines, fields] of cases) {
    await t.step(name, () => {
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`);
      const parsed = parseResponseHead(bytes, bytes.length, 10);
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.value.headers.map(({ name, value }) => `${name}=${value}`), fields);
    });
  }
});

Deno.test("a response head of more than 64 KiB is refused, whether its end has come or not", () => {
  const start = "HTTP/1.1 200 OK\r\nA: ";
  const head = (bytes: number): Buffer => Buffer.from(`${start.padEnd(bytes - 4, "x")}\r\n\r\n`);
  const read = (bytes: Buffer) => {
    const heads = new ResponseHeads(LIMITS);
    heads.push(bytes);
    return heads.next();
  };
  assert.equal(read(head(65_536))?.ok, true);
  for (const bytes of [head(65_537), head(65_600).subarray(0, -4)]) {
    const answer = read(bytes);
    assert.ok(answer?.ok === false);
    assert.equal(answer.failure.kind, "upstream_invalid");
    assert.match(answer.failure.detail, /response headers are longer than 65536 bytes/);
  }
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
