import assert from "node:assert/strict";
import { requestParts } from "./http2_request.ts";

type Pair = readonly [name: string, value: string];

const HEAD: readonly Pair[] = [[":method", "POST"], [":scheme", "http"], [":path", "/a"], [
  ":authority",
  "a.example",
]];

function parts(...pairs: readonly Pair[]) {
  return requestParts(pairs.map(([name, value]) => ({ name, lower: name, value })));
}

Deno.test("requestParts() reads a request as HTTP/1.1 would have it", () => {
  assert.deepEqual(parts(...HEAD, ["x", "1"], ["x", "2"], ["cookie", "a=1"], ["cookie", "b=2"]), {
    method: "POST",
    url: "/a",
    headers: { host: "a.example", x: "1, 2", cookie: "a=1; b=2" },
  });
});

Deno.test("requestParts() keeps names that objects have by themselves apart", () => {
  assert.equal(parts(...HEAD, ["constructor", "x"])?.headers["constructor"], "x");
});

const REFUSED: Readonly<Record<string, readonly Pair[]>> = {
  "no method": HEAD.slice(1),
  "no scheme": HEAD.filter(([name]) => name !== ":scheme"),
  "no path": HEAD.filter(([name]) => name !== ":path"),
  "a path that is no path": [...HEAD.slice(0, 2), [":path", "a"]],
  "a blank in the path": [...HEAD.slice(0, 2), [":path", "/a b"]],
  "a pseudo-field twice": [...HEAD, [":path", "/b"]],
  "an unknown pseudo-field": [...HEAD, [":protocol", "websocket"]],
  "a pseudo-field after a field": [...HEAD.slice(0, 3), ["x", "1"], [":authority", "a"]],
  "a field of the connection": [...HEAD, ["connection", "close"]],
  "a transfer coding": [...HEAD, ["transfer-encoding", "chunked"]],
  "another te than trailers": [...HEAD, ["te", "gzip"]],
  "an upper-case name": [...HEAD, ["X", "1"]],
  "a name with a blank": [...HEAD, ["x ", "1"]],
  "a control character in a value": [...HEAD, ["x", "1\r\n2"]],
  "a length twice": [...HEAD, ["content-length", "1"], ["content-length", "1"]],
};

for (const [what, pairs] of Object.entries(REFUSED)) {
  Deno.test(`requestParts() refuses ${what}`, () => assert.equal(parts(...pairs), undefined));
}
