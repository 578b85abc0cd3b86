import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME } from "../http2/frames.ts";
import { block, frame } from "../http2/testing_frames.ts";
import { connectHttp2, testTls } from "./testing_tls.ts";
import { App, startProxy, type TestProxy } from "./testing_wire.ts";

type Fields = readonly (readonly [string, string])[];

/** The fields of a request, with more of them behind. */
function request(method: string, path: string, ...more: Fields): Buffer {
  return block(
    [":method", method],
    [":scheme", "https"],
    [":path", path],
    [":authority", "app.test"],
    ...more,
  );
}

const WHOLE = FLAG.endHeaders | FLAG.endStream;

/** A proxy over TLS in front of one app. */
async function start(app: App, limits = {}): Promise<TestProxy> {
  const { tls } = await testTls();
  return await startProxy({ upstream: app.upstream, limits, tls, strictTransport: "max-age=60" });
}

Deno.test("an app gets a request of HTTP/2 as one of HTTP/1.1, and the client its response", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(
    frame(
      FRAME.headers,
      WHOLE,
      1,
      request("GET", "/a?b=c", ["x-one", "1"], ["cookie", "a=1"], ["x-one", "caf\xe9"], ["cookie", "b=2"]),
    ),
  );
  const { wire: upstream, head } = await app.request();
  assert.deepEqual(head.split("\r\n"), [
    "GET /a?b=c HTTP/1.1",
    "Host: app.test",
    "x-one: 1",
    "x-one: caf\xe9",
    "cookie: a=1; b=2",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: app.test",
    "X-Forwarded-Proto: https",
    "X-Request-Id: req_1",
    "X-Unkey-Hops: 1",
    "",
    "",
  ]);
  await upstream.send(
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n" +
      "X-Caf\xc9: no\r\nConnection: x-drop\r\nX-Drop: 1\r\nKeep-Alive: 5\r\nContent-Length: 5\r\n\r\nhello"
        .replace("X-Caf\xc9: no\r\n", ""),
  );
  assert.deepEqual(await http2.fields(), { fields: { ":status": "103", link: "</a>" }, end: false });
  assert.deepEqual(await http2.fields(), {
    fields: {
      ":status": "200",
      "set-cookie": "a|b",
      "content-length": "5",
      "x-request-id": "req_1",
      "strict-transport-security": "max-age=60",
    },
    end: false,
  });
  assert.deepEqual(await http2.body(), { text: "hello" });
});

Deno.test("bodies and trailers pass both ways while they come", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, FLAG.endHeaders, 1, request("POST", "/up", ["te", "trailers"])));
  const { wire: upstream, head } = await app.request();
  assert.match(head, /Transfer-Encoding: chunked\r\nConnection: TE\r\nTE: trailers\r\n/);
  await http2.send(frame(FRAME.data, 0, 1, "one"));
  assert.equal(await upstream.until("one\r\n"), "3\r\none\r\n");
  await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nhi\r\n");
  assert.equal((await http2.fields()).fields[":status"], "200");
  assert.equal((await http2.next()).payload.toString(), "hi");
  await http2.send(frame(FRAME.headers, WHOLE, 1, block(["x-check", "7"], ["authorization", "no"])));
  assert.equal(await upstream.until("\r\n\r\n"), "0\r\nx-check: 7\r\n\r\n");
  await upstream.send("0\r\nX-Sum: 9\r\n\r\n");
  assert.deepEqual(await http2.fields(), { fields: { "x-sum": "9" }, end: true });
});

Deno.test("responses without a body end with their headers", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin();
  const cases = [
    ["HEAD", "200 OK", { ":status": "200", "content-length": "7" }],
    ["GET", "204 No Content", { ":status": "204" }],
    ["GET", "304 Not Modified", { ":status": "304", "content-length": "7" }],
  ] as const;
  const upstream = await cases.reduce(async (before, [method, status, want], index) => {
    const known = await before;
    await http2.send(frame(FRAME.headers, WHOLE, 2 * index + 1, request(method, "/")));
    const one = known ?? await app.accept();
    await one.until("\r\n\r\n");
    await one.send(`HTTP/1.1 ${status}\r\nContent-Length: 7\r\n\r\n`);
    const { fields, end } = await http2.fields();
    const { "x-request-id": _id, "strict-transport-security": _hsts, ...rest } = fields;
    assert.deepEqual({ rest, end }, { rest: want, end: true });
    return one;
  }, Promise.resolve<Awaited<ReturnType<App["accept"]>> | undefined>(undefined));
  assert.ok(upstream);
});

/** Each of these would be two things to two readers, or nothing at all. */
Deno.test("requests that are not exactly right are answered with 400, and reach no app", async (t) => {
  using app = new App();
  await using proxy = await start(app);
  const cases: readonly (readonly [string, Buffer])[] = [
    ["a line break in a value", request("GET", "/", ["x", "a\r\nHost: b"])],
    ["a zero byte", request("GET", "/", ["x", "a\0b"])],
    ["a name in capitals", request("GET", "/", ["X-A", "a"])],
    ["a colon in a name", request("GET", "/", ["x:a", "a"])],
    ["a blank in a name", request("GET", "/", ["x ", "a"])],
    ["a line break in a name", request("GET", "/", ["x\r\ny", "a"])],
    ["transfer-encoding", request("POST", "/", ["transfer-encoding", "chunked"])],
    ["connection", request("GET", "/", ["connection", "close"])],
    ["keep-alive", request("GET", "/", ["keep-alive", "1"])],
    ["upgrade", request("GET", "/", ["upgrade", "websocket"])],
    ["another te", request("GET", "/", ["te", "gzip"])],
    ["a blank in the path", request("GET", "/a HTTP/1.1\r\nX: y")],
    ["a path without a slash", request("GET", "a")],
    ["an empty path", request("GET", "")],
    ["a blank in the method", request("GET /", "/")],
    ["a second path", request("GET", "/", [":path", "/b"])],
    [
      "a pseudo-header after a header",
      block([":method", "GET"], ["x", "y"], [":scheme", "https"], [":path", "/"]),
    ],
    ["an unknown pseudo-header", request("GET", "/", [":x", "y"])],
    ["no host", block([":method", "GET"], [":scheme", "https"], [":path", "/"])],
    ["another host", request("GET", "/", ["host", "other.test"])],
    ["two hosts", request("GET", "/", ["host", "app.test"], ["host", "app.test"])],
    [
      "a user in the authority",
      block([":method", "GET"], [":scheme", "https"], [":path", "/"], [":authority", "u@app.test"]),
    ],
    ["a length and no body", request("POST", "/", ["content-length", "5"])],
    ["a length with a sign", request("POST", "/", ["content-length", "+0"])],
    ["two lengths", request("POST", "/", ["content-length", "0"], ["content-length", "0"])],
    ["no method", block([":scheme", "https"], [":path", "/"], [":authority", "app.test"])],
  ];
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin();
  for (const [index, [name, fields]] of cases.entries()) {
    await t.step(name, async () => {
      await http2.send(frame(FRAME.headers, WHOLE, 2 * index + 1, fields));
      const { fields: answer } = await http2.fields();
      assert.deepEqual([answer[":status"], answer["strict-transport-security"]], ["400", "max-age=60"]);
      assert.match((await http2.body()).text, /^bad_request: /);
    });
  }
  await t.step("and the connection goes on", async () => {
    await http2.send(frame(FRAME.headers, WHOLE, 2 * cases.length + 1, request("GET", "/fine")));
    assert.match((await app.request()).head, /^GET \/fine /);
  });
});

Deno.test("a body that is not as long as announced breaks its stream off, at the app too", async (t) => {
  for (const [name, bytes] of [["too short", "12"], ["too long", "123456"]] as const) {
    await t.step(name, async () => {
      using app = new App();
      await using proxy = await start(app);
      const { wire, http2 } = await connectHttp2(proxy.securePort);
      using _ = wire;
      await http2.begin(
        frame(FRAME.headers, FLAG.endHeaders, 1, request("POST", "/", ["content-length", "5"])),
      );
      const { wire: upstream } = await app.request();
      await http2.send(frame(FRAME.data, FLAG.endStream, 1, bytes));
      assert.deepEqual(await http2.body(), { text: "", reset: CODE.protocol });
      assert.equal((await upstream.toEnd()).text.length < 5, true);
    });
  }
});

Deno.test("a client that cancels closes the app's connection", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, WHOLE, 1, request("GET", "/")));
  const { wire: upstream } = await app.request();
  await http2.send(frame(FRAME.reset, 0, 1, Buffer.from([0, 0, 0, CODE.cancel])));
  await upstream.toEnd();
  assert.deepEqual(proxy.statuses, [499]);
});

Deno.test("an app that breaks off in mid-body breaks the stream off, not the connection", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, WHOLE, 1, request("GET", "/")));
  const { wire: upstream } = await app.request();
  await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  assert.equal((await http2.fields()).fields["content-length"], "100");
  assert.equal((await http2.next()).payload.toString(), "part");
  upstream.close();
  assert.deepEqual(await http2.body(), { text: "", reset: CODE.internal });
  await http2.send(frame(FRAME.headers, WHOLE, 3, request("GET", "/next")));
  assert.match((await app.request()).head, /^GET \/next /);
});

/** A slow reader must not make the edge hold a whole response. */
Deno.test("an app sends no more than the client's windows let through", async () => {
  using app = new App();
  await using proxy = await start(app, { responseStallMsMax: 300 });
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, WHOLE, 1, request("GET", "/")));
  const { wire: upstream } = await app.request();
  await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
  const chunk = Buffer.alloc(256 * 1024);
  let sent = 0;
  let broken = false;
  const sending = (async () => {
    while (sent < 1_000_000_000) {
      await upstream.send(chunk);
      sent += chunk.length;
    }
  })().catch(() => broken = true);
  await http2.fields();
  assert.deepEqual((await http2.body()).reset, CODE.internal);
  await sending;
  assert.ok(broken && sent < 64 * 1024 * 1024, `the app could send ${sent} bytes`);
});

Deno.test("a client sends no more than the app takes", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, FLAG.endHeaders, 1, request("POST", "/")));
  const { wire: upstream } = await app.request();
  // The app takes nothing: the windows are what the client may send at most.
  const chunk = frame(FRAME.data, 0, 1, Buffer.alloc(16_384));
  for (let sent = 0; sent < 16; sent++) await http2.send(chunk);
  await http2.send(frame(FRAME.ping, 0, 0, "12345678"));
  assert.equal((await upstream.exactly(16 * 16_384)).length, 16 * 16_384);
  assert.equal((await http2.next()).type, FRAME.windowUpdate);
});

Deno.test("a WebSocket passes over HTTP/2 by extended CONNECT", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  const open = block(
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    [":scheme", "https"],
    [":path", "/ws"],
    [
      ":authority",
      "app.test",
    ],
    ["sec-websocket-version", "13"],
    ["sec-websocket-protocol", "chat"],
  );
  await http2.begin(frame(FRAME.headers, FLAG.endHeaders, 1, open));
  const { wire: upstream, head } = await app.request();
  assert.match(head, /^GET \/ws HTTP\/1\.1\r\n/);
  assert.match(head, /Connection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(head, /Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n/);
  await upstream.send(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\nfirst",
  );
  assert.deepEqual(await http2.fields(), {
    fields: { ":status": "200", "sec-websocket-protocol": "chat" },
    end: false,
  });
  assert.equal((await http2.next()).payload.toString(), "first");
  await http2.send(frame(FRAME.data, 0, 1, "to the app"));
  assert.equal(await upstream.until("app"), "to the app");
  await upstream.finish();
  assert.deepEqual(await http2.body(), { text: "" });
  await http2.send(frame(FRAME.data, FLAG.endStream, 1, "end"));
  assert.equal((await upstream.toEnd()).text, "end");
});

Deno.test("close() lets the requests of a connection end, and says that there may be no more", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { wire, http2 } = await connectHttp2(proxy.securePort);
  using _ = wire;
  await http2.begin(frame(FRAME.headers, WHOLE, 1, request("GET", "/")));
  const { wire: upstream } = await app.request();
  const closed = proxy.proxy.close(60_000);
  const announced = await http2.next();
  assert.deepEqual([announced.type, announced.payload.readUInt32BE(0)], [FRAME.goaway, 2 ** 31 - 1]);
  const final = await http2.next();
  assert.deepEqual([final.type, final.payload.readUInt32BE(0)], [FRAME.goaway, 1]);
  await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  assert.equal((await http2.fields()).fields[":status"], "200");
  assert.deepEqual(await http2.body(), { text: "ok" });
  await wire.toEnd();
  wire.close();
  await closed;
});

Deno.test("idle connections and requests that do not begin end in time", async (t) => {
  using app = new App();
  await using proxy = await start(app, { headMsMax: 200, keepAliveMsMax: 200 });
  const cases: readonly (readonly [string, readonly Buffer[]])[] = [
    ["no request", []],
    ["a header block that goes on", [frame(FRAME.headers, 0, 1, request("GET", "/"))]],
  ];
  for (const [name, frames] of cases) {
    await t.step(name, async () => {
      const { wire, http2 } = await connectHttp2(proxy.securePort);
      using _ = wire;
      await http2.begin(...frames);
      assert.equal((await http2.next()).type, FRAME.goaway);
      await wire.toEnd();
    });
  }
});
