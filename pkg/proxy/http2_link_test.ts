import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CODE, FLAG, FRAME, PREFACE } from "../http2/frames.ts";
import { uint32s } from "../http2/output.ts";
import { block, frame, FrameWire } from "../http2/testing_frames.ts";
import { App, responseHead, startProxy, type TestProxy, Wire } from "./testing_wire.ts";

const WHOLE = FLAG.endHeaders | FLAG.endStream;
const GET = "GET /a HTTP/1.1\r\nHost: app.test\r\nX-Own: 1\r\n\r\n";

/** A proxy in front of an app that speaks HTTP/2 without TLS. */
function start(app: App, limits = {}): Promise<TestProxy> {
  return startProxy({ upstream: { ...app.upstream, protocol: "h2c" }, limits });
}

/** The app's side of the next connection of the proxy. */
async function accept(app: App): Promise<{ readonly wire: Wire; readonly http2: FrameWire }> {
  const wire = await app.accept();
  assert.equal(await wire.exactly(PREFACE.length), PREFACE);
  const http2 = new FrameWire(wire);
  await http2.send(frame(FRAME.settings, 0, 0));
  return { wire, http2 };
}

function response(id: number, ...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders, id, block([":status", "200"], ...fields));
}

Deno.test("an app of HTTP/2 gets a request of HTTP/1.1, and its response comes back", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(
    "POST /a HTTP/1.1\r\nHost: app.test\r\nX-Own: 1\r\nTE: trailers\r\nConnection: x-no\r\nX-No: 1\r\n" +
      "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Check: 5\r\n\r\n",
  );
  const { http2 } = await accept(app);
  assert.deepEqual((await http2.fields()).fields, {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/a",
    ":authority": "app.test",
    "x-own": "1",
    te: "trailers",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "app.test",
    "x-forwarded-proto": "http",
    "x-request-id": "req_1",
    "x-unkey-hops": "1",
  });
  assert.equal((await http2.next()).payload.toString(), "hi");
  assert.deepEqual(await http2.fields(), { fields: { "x-check": "5" }, end: true });
  await http2.send(
    frame(FRAME.headers, FLAG.endHeaders, 1, block([":status", "103"], ["link", "</x>"])),
    response(1, ["x-app", "caf\xe9"], ["set-cookie", "a"], ["set-cookie", "b"]),
    frame(FRAME.data, 0, 1, "hello"),
    frame(FRAME.headers, WHOLE, 1, block(["x-sum", "9"])),
  );
  assert.deepEqual(await responseHead(client), {
    status: "HTTP/1.1 103 Early Hints",
    fields: ["link: </x>"],
  });
  const { status, fields } = await responseHead(client);
  assert.equal(status, "HTTP/1.1 200 OK");
  assert.deepEqual(fields, [
    "x-app: caf\xe9",
    "set-cookie: a",
    "set-cookie: b",
    "Transfer-Encoding: chunked",
    "X-Request-Id: req_1",
  ]);
  assert.equal(await client.until("\r\n\r\n"), "5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n");
});

/** Most servers of HTTP/2 without TLS speak HTTP/1.1 on the same port, and few of them RFC 8441. */
Deno.test("a WebSocket reaches an app of HTTP/2 in HTTP/1.1, and other requests go on in HTTP/2", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(
    "GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" +
      "Sec-WebSocket-Version: 13\r\n\r\n",
  );
  const { wire, head } = await app.request();
  assert.match(head, /^GET \/ws HTTP\/1\.1\r\n[^]*\r\nUpgrade: WebSocket\r\n/);
  await wire.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello",
  );
  await client.until("hello");
  using other = await Wire.connect(proxy.port);
  await other.send("GET /h2 HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: irc\r\n\r\n");
  const { http2 } = await accept(app);
  const { fields } = await http2.fields();
  assert.deepEqual([fields[":path"], fields["upgrade"]], ["/h2", undefined]);
});

Deno.test("an app that speaks HTTP/2 only refuses a WebSocket, and the client hears of it", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(
    "GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const { wire } = await app.request();
  await wire.send(frame(FRAME.settings, 0, 0));
  await wire.send(frame(FRAME.goaway, 0, 0, uint32s(0, CODE.protocol)));
  wire.close();
  assert.equal((await responseHead(client)).status, "HTTP/1.1 502 Bad Gateway");
});

Deno.test("many requests share a connection to an app, and their load counts", async () => {
  using app = new App();
  await using proxy = await start(app);
  using one = await Wire.connect(proxy.port);
  using two = await Wire.connect(proxy.port);
  await one.send(GET);
  const { http2 } = await accept(app);
  await http2.fields();
  await two.send(GET);
  await http2.fields();
  assert.equal(proxy.proxy.load(app.upstream.key), 2);
  await http2.send(response(3, ["content-length", "3"]), frame(FRAME.data, FLAG.endStream, 3, "two"));
  await two.until("two");
  await http2.send(response(1, ["content-length", "3"]), frame(FRAME.data, FLAG.endStream, 1, "one"));
  await one.until("one");
  assert.equal(proxy.proxy.load(app.upstream.key), 0);
});

Deno.test("a connection that the app leaves gets no new requests, and ends its own", async () => {
  using app = new App();
  await using proxy = await start(app);
  using one = await Wire.connect(proxy.port);
  await one.send(GET);
  const first = await accept(app);
  await first.http2.fields();
  await first.http2.send(
    frame(FRAME.goaway, 0, 0, uint32s(1, CODE.none)),
    frame(FRAME.ping, 0, 0, "12345678"),
  );
  for (let seen = await first.http2.any(); seen.type !== FRAME.ping;) seen = await first.http2.any();
  using two = await Wire.connect(proxy.port);
  await two.send(GET);
  const second = await accept(app);
  await second.http2.fields();
  await first.http2.send(response(1), frame(FRAME.data, FLAG.endStream, 1, "first"));
  await one.until("first");
  await second.http2.send(response(1), frame(FRAME.data, FLAG.endStream, 1, "second"));
  await two.until("second");
});

/** The app has done nothing for it, so that it can be done elsewhere. */
Deno.test("a request that the app refuses to begin is sent on a new connection", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(GET);
  const first = await accept(app);
  await first.http2.fields();
  await first.http2.send(frame(FRAME.goaway, 0, 0, uint32s(0, CODE.none)));
  const second = await accept(app);
  await second.http2.fields();
  await second.http2.send(response(1), frame(FRAME.data, FLAG.endStream, 1, "done"));
  await client.until("done");
});

Deno.test("what an app of HTTP/2 may not send is a 502, or cuts the response off", async (t) => {
  const before: Readonly<Record<string, readonly Buffer[]>> = {
    "a stream that is broken off": [frame(FRAME.reset, 0, 1, uint32s(CODE.internal))],
    "no status": [frame(FRAME.headers, WHOLE, 1, block([":path", "/"]))],
    "a line break in a value": [response(1, ["x", "a\r\nb: c"])],
    "a connection field": [response(1, ["transfer-encoding", "chunked"])],
    "two lengths": [response(1, ["content-length", "1"], ["content-length", "2"])],
    "a body first": [frame(FRAME.data, 0, 1, "x")],
    "a switch of protocols": [frame(FRAME.headers, FLAG.endHeaders, 1, block([":status", "101"]))],
    "an answer of HTTP/1.1": [Buffer.from("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")],
  };
  for (const [name, frames] of Object.entries(before)) {
    await t.step(name, async () => {
      using app = new App();
      await using proxy = await start(app);
      using client = await Wire.connect(proxy.port);
      await client.send(GET);
      const { http2 } = await accept(app);
      await http2.fields();
      await http2.send(...frames);
      assert.equal((await responseHead(client)).status, "HTTP/1.1 502 Bad Gateway");
    });
  }
  const after: Readonly<Record<string, readonly Buffer[]>> = {
    "a body that is too short": [frame(FRAME.data, FLAG.endStream, 1, "1234")],
    "a body that is too long": [frame(FRAME.data, FLAG.endStream, 1, "123456")],
    "a stream that ends in mid-body": [
      frame(FRAME.data, 0, 1, "12"),
      frame(FRAME.reset, 0, 1, uint32s(CODE.cancel)),
    ],
  };
  for (const [name, frames] of Object.entries(after)) {
    await t.step(name, async () => {
      using app = new App();
      await using proxy = await start(app);
      using client = await Wire.connect(proxy.port);
      await client.send(GET);
      const { http2 } = await accept(app);
      await http2.fields();
      await http2.send(response(1, ["content-length", "5"]), ...frames);
      await client.until("\r\n\r\n");
      const { text, reset } = await client.toEnd();
      assert.ok(reset || text.length < 5);
      assert.equal(proxy.failures[0]?.cut, true);
    });
  }
});

Deno.test("an app of HTTP/2 sends no more than the client takes", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(GET);
  const { http2 } = await accept(app);
  await http2.fields();
  await http2.send(response(1));
  // More than the window of a stream would end the connection: it opens only as the client reads.
  const chunk = frame(FRAME.data, 0, 1, Buffer.alloc(16_384));
  for (let sent = 0; sent < 16; sent++) await http2.send(chunk);
  await client.until("\r\n\r\n");
  assert.equal((await client.exactly(16 * 16_384)).length, 16 * 16_384);
  assert.equal((await http2.next()).type, FRAME.windowUpdate);
});

Deno.test("a client that goes away cancels its request at an app of HTTP/2", async () => {
  using app = new App();
  await using proxy = await start(app);
  const client = await Wire.connect(proxy.port);
  await client.send(GET);
  const { http2 } = await accept(app);
  await http2.fields();
  client.close();
  const seen = await http2.next();
  assert.deepEqual([seen.type, seen.id, seen.payload.readUInt32BE(0)], [FRAME.reset, 1, CODE.cancel]);
});

Deno.test("an instance that leaves finishes its requests on its connection of HTTP/2", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await Wire.connect(proxy.port);
  await client.send(GET);
  const { wire, http2 } = await accept(app);
  await http2.fields();
  proxy.proxy.retire(app.upstream.key);
  await http2.send(response(1, ["content-length", "2"]), frame(FRAME.data, FLAG.endStream, 1, "ok"));
  await client.until("ok");
  assert.equal((await http2.next()).type, FRAME.goaway);
  await wire.toEnd();
});
