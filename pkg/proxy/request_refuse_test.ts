import assert from "node:assert/strict";
import { REFUSALS } from "./testing_refusals.ts";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";

const HOST = "Host: a\r\n";

Deno.test("requests that can be read in two ways are refused and end their connection", async (t) => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  for (const { name, request, status } of REFUSALS) {
    await t.step(name, async () => {
      using client = await Wire.connect(proxy.port);
      await client.send(`${request}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
      const { text } = await client.toEnd();
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(text.match(/HTTP\/1\.1 \d{3} /g)?.length, 1, "there must be no second response");
      assert.match(text, /\r\nConnection: close\r\n/);
    });
  }
  assert.equal(proxy.failures.length, REFUSALS.length);
});

for (
  const { name, body } of [
    { name: "a size that is no number", body: "xyz\r\n" },
    { name: "a size with a sign", body: "+5\r\nhello\r\n" },
    { name: "a size behind a space", body: " 5\r\nhello\r\n" },
    { name: "a size that overflows", body: "ffffffffffffffff5\r\nhello\r\n" },
    { name: "a size line that ends in LF", body: "5\nhello\r\n" },
    { name: "a chunk that is longer than it says", body: "4\r\nhello\r\n" },
    { name: "a chunk that ends in LF", body: "5\r\nhello\n" },
    { name: "an extension with a bare LF", body: "5;a\nhello\r\n" },
    { name: "a trailer without a colon", body: "0\r\nX\r\n\r\n" },
    { name: "a trailer that ends in LF", body: "0\r\nX: y\n\r\n" },
  ]
) {
  Deno.test(`a chunked request is refused for ${name}`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    using client = await Wire.connect(proxy.port);
    await client.send(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    const { wire } = await app.request();
    await client.send(body);
    const { text } = await client.toEnd();
    assert.match(text, /^HTTP\/1\.1 400 /);
    const passed = await wire.toEnd();
    assert.ok(!passed.text.endsWith("0\r\n\r\n"), "the app must not take it for a whole request");
  });
}

Deno.test("a request head that comes too slowly is cut off with a 408", async () => {
  await using proxy = await startProxy({ limits: { headMsMax: 150, lingerMsMax: 100 } });
  using client = await Wire.connect(proxy.port);
  let cut = false;
  const drip = (async () => {
    for (const each of "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " + "y".repeat(500)) {
      if (cut) return;
      await client.send(each).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const { text } = await client.toEnd();
  cut = true;
  assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  await drip;
});

Deno.test("a connection that never sends anything is closed", async () => {
  await using proxy = await startProxy({ limits: { headMsMax: 100 } });
  using client = await Wire.connect(proxy.port);
  assert.equal((await client.toEnd()).text, "");
});

Deno.test("a request body that stands still is given up with a 408", async () => {
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    limits: { bodyStallMsMax: 150, lingerMsMax: 100 },
  });
  using client = await Wire.connect(proxy.port);
  await client.send(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`);
  const { wire } = await app.request();
  assert.equal((await responseHead(client)).status, "HTTP/1.1 408 Request Timeout");
  await wire.toEnd();
});

Deno.test("connections over the limit get a 503 at once, and room that is freed is used", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { connectionsMax: 1 } });
  const first = await Wire.connect(proxy.port);
  await first.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  const { wire } = await app.request();
  using second = await Wire.connect(proxy.port);
  assert.match((await second.toEnd()).text, /^HTTP\/1\.1 503 [^]*too_many_connections/);
  first.close();
  await wire.toEnd();
  using third = await Wire.connect(proxy.port);
  await third.send(`GET /third HTTP/1.1\r\n${HOST}\r\n`);
  assert.match((await app.request()).head, /^GET \/third /);
});

Deno.test("a request that went through too many proxies is a 508", async () => {
  await using proxy = await startProxy({ limits: { hopsMax: 3 } });
  using client = await Wire.connect(proxy.port);
  await client.send(`GET / HTTP/1.1\r\n${HOST}X-Unkey-Hops: 3\r\n\r\n`);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 508 Loop Detected");
});
