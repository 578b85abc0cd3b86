import assert from "node:assert/strict";
import { SERVER_NAME, testTls } from "./testing_tls.ts";
import { App, responseHead, startProxy, type TestProxy, Wire } from "./testing_wire.ts";

async function start(app: App, limits = {}): Promise<TestProxy> {
  const { tls } = await testTls();
  return await startProxy({ upstream: app.upstream, tls, limits, strictTransport: "max-age=60; preload" });
}

async function connect(port: number): Promise<Wire> {
  const { authority } = await testTls();
  return await Wire.connectTls(port, { serverName: SERVER_NAME, authority });
}

Deno.test("HTTP/1.1 over TLS is served as in clear text, and says so to the app", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await connect(proxy.securePort);
  await client.send("POST /a HTTP/1.1\r\nHost: app.test\r\nX-Case: kept\r\nContent-Length: 2\r\n\r\nhi");
  const { wire, head } = await app.request();
  assert.match(head, /^POST \/a HTTP\/1\.1\r\n/);
  assert.match(head, /\r\nX-Case: kept\r\n/);
  assert.match(head, /\r\nX-Forwarded-Proto: https\r\n/);
  assert.equal(await wire.exactly(2), "hi");
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  const { status, fields } = await responseHead(client);
  assert.equal(status, "HTTP/1.1 200 OK");
  assert.ok(fields.includes("Strict-Transport-Security: max-age=60; preload"));
  assert.equal(await client.exactly(2), "ok");
});

Deno.test("an app's own Strict-Transport-Security is kept, and clear text gets none", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await connect(proxy.securePort);
  await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=0\r\nContent-Length: 0\r\n\r\n");
  const secure = (await responseHead(client)).fields.filter((each) => each.startsWith("Strict"));
  assert.deepEqual(secure, ["Strict-Transport-Security: max-age=0"]);
  using clear = await Wire.connect(proxy.port);
  await clear.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await wire.until("\r\n\r\n");
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert.ok(!(await responseHead(clear)).fields.some((each) => each.startsWith("Strict")));
});

Deno.test("an answer of the edge itself has Strict-Transport-Security over TLS, and none in clear text", async () => {
  const { authority, tls } = await testTls();
  await using proxy = await startProxy({ tls, strictTransport: "max-age=60" });
  const fieldsOf = async (client: Wire): Promise<readonly string[]> => {
    await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
    const { status, fields } = await responseHead(client);
    assert.equal(status, "HTTP/1.1 503 Service Unavailable");
    return fields.filter((each) => each.startsWith("Strict"));
  };
  using secure = await Wire.connectTls(proxy.securePort, { serverName: SERVER_NAME, authority });
  assert.deepEqual(await fieldsOf(secure), ["Strict-Transport-Security: max-age=60"]);
  using clear = await Wire.connect(proxy.port);
  assert.deepEqual(await fieldsOf(clear), []);
});

/** Without an error a client without a length would take the part for the whole. */
Deno.test("a response over TLS that breaks off is no clean end", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await connect(proxy.securePort);
  await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  await client.until("part");
  wire.close();
  await assert.rejects(client.toEnd().then(({ reset }) => assert.equal(reset, false)));
});

Deno.test("a WebSocket passes over HTTP/1.1 and TLS", async () => {
  using app = new App();
  await using proxy = await start(app);
  using client = await connect(proxy.securePort);
  await client.send(
    "GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const { wire } = await app.request();
  await wire.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello",
  );
  await client.until("hello");
  await client.send("to the app");
  assert.equal(await wire.until("app"), "to the app");
  await wire.finish();
  await client.finish();
  await client.toEnd();
});

Deno.test("a name without a certificate is refused in the handshake", async () => {
  using app = new App();
  await using proxy = await start(app);
  const { authority } = await testTls();
  await assert.rejects(
    Wire.connectTls(proxy.securePort, { serverName: "other.example", authority }),
    /alert|closed/i,
  );
  using client = await connect(proxy.securePort);
  await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  assert.match((await app.request()).head, /^GET/, "others are served");
});

Deno.test("a handshake that does not go on ends in time, and counts as a connection until then", async () => {
  using app = new App();
  await using proxy = await start(app, { headMsMax: 300, connectionsMax: 1 });
  using silent = await Wire.connect(proxy.securePort);
  using second = await Wire.connect(proxy.securePort);
  assert.equal((await second.toEnd()).text, "");
  await silent.toEnd();
  using client = await connect(proxy.securePort);
  await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await app.request();
});

Deno.test("clear text on the port of HTTPS harms no other client", async () => {
  using app = new App();
  await using proxy = await start(app);
  using wrong = await Wire.connect(proxy.securePort);
  await wrong.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await wrong.toEnd();
  using client = await connect(proxy.securePort);
  await client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await app.request();
});
