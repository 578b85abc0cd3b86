import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";

/** Sends `request`, lets the app answer `response`, and returns what each side saw. */
async function pass(request: string, response: string, expected: number | "end" = 0) {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(request);
  const { wire, head } = await app.request();
  await wire.send(response);
  if (expected === "end") await wire.finish();
  const got = await responseHead(client);
  const body = expected === "end" ? (await client.until("0\r\n\r\n")) : await client.exactly(expected);
  return { head, got, body };
}

const GET = "GET /a?b=%2F%00 HTTP/1.1\r\nHost: App.localhost:7070\r\n";

Deno.test("the proxy passes a request's target, header order, case and repetition on", async () => {
  const { head } = await pass(
    `${GET}X-Zeta: 1\r\nx-alpha: two  words\r\nX-Zeta: 3\r\nCookie: a=\xe9\r\n\r\n`,
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  );
  assert.equal(
    head,
    "GET /a?b=%2F%00 HTTP/1.1\r\nHost: App.localhost:7070\r\n" +
      "X-Zeta: 1\r\nx-alpha: two  words\r\nX-Zeta: 3\r\nCookie: a=\xe9\r\n" +
      "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: App.localhost:7070\r\nX-Forwarded-Proto: http\r\n" +
      "X-Request-Id: req_1\r\nX-Unkey-Hops: 1\r\n\r\n",
  );
});

Deno.test("the proxy ends fields of the connection on both sides and keeps all others", async () => {
  const { head, got } = await pass(
    `${GET}Connection: keep-alive, X-Secret, Host\r\nKeep-Alive: timeout=5\r\nX-Secret: 1\r\nTE: trailers, deflate\r\n` +
      "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Stay: 1\r\n\r\n",
    "HTTP/1.1 200 Fine by me\r\nSet-Cookie: a=1\r\nConnection: X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=5\r\n" +
      "set-cookie: b=2; Path=/\r\nSet-Cookie: c=3\r\nContent-Length: 0\r\n\r\n",
  );
  assert.equal(
    head.split("X-Forwarded-For")[0],
    "GET /a?b=%2F%00 HTTP/1.1\r\nHost: App.localhost:7070\r\nX-Stay: 1\r\nConnection: TE\r\nTE: trailers\r\n",
  );
  assert.deepEqual(got, {
    status: "HTTP/1.1 200 Fine by me",
    fields: [
      "Set-Cookie: a=1",
      "set-cookie: b=2; Path=/",
      "Set-Cookie: c=3",
      "Content-Length: 0",
      "X-Request-Id: req_1",
    ],
  });
});

Deno.test("the proxy passes compressed bodies through unread", async () => {
  const zipped = gzipSync("hello ".repeat(100)).toString("latin1");
  const { got, body } = await pass(
    `${GET}Accept-Encoding: gzip\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\nVary: accept-encoding\r\n\r\n${zipped}`,
    zipped.length,
  );
  assert.deepEqual(got.fields.slice(0, 3), [
    "Content-Encoding: gzip",
    "Vary: accept-encoding",
    `Content-Length: ${zipped.length}`,
  ]);
  assert.equal(body, zipped);
});

Deno.test("the proxy passes ranges through", async () => {
  const { head, got, body } = await pass(
    `${GET}Range: bytes=2-4\r\nIf-Range: "x"\r\n\r\n`,
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\nETag: "x"\r\n\r\ncde',
    3,
  );
  assert.match(head, /\r\nRange: bytes=2-4\r\nIf-Range: "x"\r\n/);
  assert.equal(got.status, "HTTP/1.1 206 Partial Content");
  assert.ok(got.fields.includes("Content-Range: bytes 2-4/10"));
  assert.equal(body, "cde");
});

for (
  const { name, request, response, length } of [
    {
      name: "HEAD with a length",
      request: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
      response: "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
      length: "Content-Length: 1234",
    },
    {
      name: "304 with a length",
      request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      response: 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n',
      length: "Content-Length: 99",
    },
    {
      name: "204",
      request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      response: "HTTP/1.1 204 No Content\r\n\r\n",
      length: undefined,
    },
  ]
) {
  Deno.test(`the proxy waits for no body after ${name}, and both connections go on`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    using client = await Wire.connect(proxy.port);
    await client.send(request);
    const { wire } = await app.request();
    await wire.send(response);
    const { fields } = await responseHead(client);
    if (length === undefined) assert.ok(!fields.some((each) => /^content-length/i.test(each)));
    else assert.ok(fields.includes(length));
    await client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(await wire.until("\r\n\r\n"), /^GET \/next /, "the same upstream connection is used");
    await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
    assert.equal(await client.exactly(2), "ok");
  });
}

Deno.test("the proxy passes chunks and trailers in both directions", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n" +
      "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
  );
  const { wire, head } = await app.request();
  assert.match(head, /\r\nTrailer: X-Sum\r\n/);
  assert.match(head, /\r\nTransfer-Encoding: chunked\r\n/);
  assert.equal(await wire.until("\r\n\r\n"), "b\r\nhello world\r\n0\r\nX-Sum: 1\r\n\r\n");
  await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Time\r\n\r\n3\r\nabc\r\n");
  const { fields } = await responseHead(client);
  assert.deepEqual(fields, ["Trailer: X-Time", "Transfer-Encoding: chunked", "X-Request-Id: req_1"]);
  assert.equal(await client.until("abc\r\n"), "3\r\nabc\r\n");
  await wire.send("0\r\nX-Time: 5\r\n\r\n");
  assert.equal(await client.until("\r\n\r\n"), "0\r\nX-Time: 5\r\n\r\n");
  await client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await wire.until("\r\n\r\n"), /^GET \/next /);
});

Deno.test("the proxy passes interim responses on, and a body that waits for 100", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  const { wire, head } = await app.request();
  assert.match(head, /\r\nExpect: 100-continue\r\n/);
  await wire.send(
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
  );
  assert.equal(
    await client.until("\r\n\r\n"),
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
  );
  assert.equal(await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("body");
  assert.equal(await wire.exactly(4), "body");
  await wire.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  assert.equal((await responseHead(client)).status, "HTTP/1.1 201 Created");
});

Deno.test("a body that the app refuses before it comes ends the connection after the response", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
  const { text } = await client.toEnd();
  assert.match(text, /^HTTP\/1\.1 413 Content Too Large\r\n[^]*\r\nConnection: close\r\n\r\nno$/);
});

Deno.test("a body that ends with the app's connection is chunked for the client", async () => {
  const { got, body } = await pass(`${GET}\r\n`, "HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end", "end");
  assert.deepEqual(got.fields, ["X: y", "Transfer-Encoding: chunked", "X-Request-Id: req_1"]);
  assert.equal(body, "d\r\nuntil the end\r\n0\r\n\r\n");
});

Deno.test("an HTTP/1.0 client gets no chunks and no interim responses", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  const { wire, head } = await app.request();
  assert.match(head, /^GET \/ HTTP\/1\.1\r\n/);
  await wire.send(
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n",
  );
  const { text } = await client.toEnd();
  assert.equal(text, "HTTP/1.1 200 OK\r\nX-Request-Id: req_1\r\nConnection: close\r\n\r\nhi");
});

Deno.test("small servers may end header lines with LF and fold them", async () => {
  const { got, body } = await pass(
    `${GET}\r\n`,
    "HTTP/1.1 200 OK\nX-Long: a,\n  b\nContent-Length: 2\n\nhi",
    2,
  );
  assert.deepEqual(got.fields, ["X-Long: a, b", "Content-Length: 2", "X-Request-Id: req_1"]);
  assert.equal(body, "hi");
});

Deno.test("the proxy appends to forwarding fields of peers it trusts and replaces those of others", async () => {
  for (const trusted of [true, false]) {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream, trusts: () => trusted });
    using client = await Wire.connect(proxy.port);
    await client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n" +
        "X-Request-Id: mine-1\r\nX-Forwarded-Host: shop.example\r\n\r\n",
    );
    const { head } = await app.request();
    assert.equal(
      head,
      trusted
        ? "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9, 127.0.0.1\r\n" +
          "X-Forwarded-Host: shop.example\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine-1\r\nX-Unkey-Hops: 1\r\n\r\n"
        : "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\n" +
          "X-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\nX-Request-Id: mine-1\r\nX-Unkey-Hops: 1\r\n\r\n",
    );
  }
});

/** Servers that hand headers on as variables make one and the same of `X-Forwarded-For` and `X_Forwarded_For`. */
Deno.test("the proxy passes no field on that an app could take for one that the proxy sets", async () => {
  const aliases =
    "X_Forwarded_For: 10.0.0.1\r\nX.Forwarded.For: 10.0.0.1\r\nX-Forwarded_Proto: https\r\nx_real_ip: 10.0.0.1\r\nX_Request_ID: x\r\n" +
    "X_Unkey_Hops: 0\r\nForwarded: for=10.0.0.1\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n";
  const others =
    "X-Forwarded-Port: 443\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Scheme: https\r\nX-Forwarded: a\r\n";
  const kept = "X_Custom: 1\r\nX-Forward: 2\r\nX-Forwardedness: 3\r\n";
  for (const trusted of [true, false]) {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream, trusts: () => trusted });
    using client = await Wire.connect(proxy.port);
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${aliases}${others}X_Forwarded_Port: 443\r\n${kept}\r\n`);
    const { head } = await app.request();
    assert.equal(
      head,
      `GET / HTTP/1.1\r\nHost: a\r\n${trusted ? others : ""}${kept}X-Forwarded-For: 127.0.0.1\r\n` +
        "X-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\nX-Request-Id: req_1\r\nX-Unkey-Hops: 1\r\n\r\n",
    );
  }
});

Deno.test("the proxy passes no trailer on that an app could take for a field that the proxy sets", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" +
      "X_Forwarded_For: 10.0.0.1\r\nX-Forwarded-Port: 443\r\nX-Sum: 1\r\nSet_Cookie: a=b\r\n\r\n",
  );
  const { wire } = await app.request();
  assert.equal(await wire.until("\r\n\r\n"), "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n");
});

Deno.test("requests in one packet are answered one after the other", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(
    "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  const { wire, head } = await app.request();
  assert.match(head, /^POST \/1 [^]*\r\nContent-Length: 3\r\n/);
  assert.equal(await wire.exactly(3), "abc");
  assert.ok(await wire.receivesNothingFor(50), "the second request must wait for the first response");
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
  assert.match(await wire.until("\r\n\r\n"), /^GET \/2 /);
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
  await responseHead(client);
  assert.equal(await client.exactly(1), "1");
  await responseHead(client);
  assert.equal(await client.exactly(1), "2");
});

Deno.test("an absolute target is passed on as a path", async () => {
  const { head } = await pass(
    "GET http://app.localhost/x?y HTTP/1.1\r\nHost: app.localhost\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  );
  assert.match(head, /^GET \/x\?y HTTP\/1\.1\r\nHost: app\.localhost\r\n/);
});
