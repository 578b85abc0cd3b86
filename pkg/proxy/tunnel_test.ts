import assert from "node:assert/strict";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";

const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

Deno.test("a WebSocket echoes through the proxy", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const upstream = { key: "ws", host: "127.0.0.1", port: server.addr.port };
  await using proxy = await startProxy({ upstream });
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws`);
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("The WebSocket did not open"));
  });
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const echoed = new Promise<ArrayBuffer>((resolve) => socket.onmessage = ({ data }) => resolve(data));
  socket.send(sent);
  assert.deepEqual(new Uint8Array(await echoed), sent);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  assert.deepEqual(proxy.statuses, [101]);
  await server.shutdown();
});

Deno.test("bytes of either side right after the switch are not lost", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(`${UPGRADE}early`);
  const { wire, head } = await app.request();
  assert.match(head, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.ok(await wire.receivesNothingFor(50), "nothing may follow before the app has switched");
  await wire.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\nhello",
  );
  assert.equal(
    await client.until("\r\n\r\n"),
    "HTTP/1.1 101 Switching Protocols\r\nX: y\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  assert.equal(await client.exactly(5), "hello");
  assert.equal(await wire.exactly(5), "early");
});

Deno.test("a tunnel ends one half at a time", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(UPGRADE);
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  await client.until("\r\n\r\n");
  await client.send("last");
  await client.finish();
  assert.equal((await wire.toEnd()).text, "last");
  await wire.send("answer");
  assert.equal(await client.exactly(6), "answer");
  await wire.finish();
  assert.deepEqual(await client.toEnd(), { text: "", reset: false });
});

Deno.test("an app that breaks a tunnel breaks it for the client too", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(UPGRADE);
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  await client.until("\r\n\r\n");
  wire.close();
  await client.toEnd();
});

Deno.test("an app may decline to switch", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(UPGRADE);
  const { wire } = await app.request();
  await wire.send(
    "HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
  );
  const { status, fields } = await responseHead(client);
  assert.equal(status, "HTTP/1.1 426 Upgrade Required");
  assert.ok(fields.includes("Upgrade: other"));
  await client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await wire.until("\r\n\r\n"), /^GET \/next /);
});

/** Behind a switch to HTTP/2 requests would pass without a check and without a route. */
Deno.test("a switch to HTTP/2 in clear text is not offered to the app", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
  );
  const { wire, head } = await app.request();
  assert.doesNotMatch(head, /upgrade|http2|h2c/i);
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
});
