import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, constants } from "node:http2";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = "\0\0\0\x04\0\0\0\0\0";

Deno.test("a client that begins with HTTP/2 is refused in HTTP/2, with the reason", async () => {
  await using proxy = await startProxy({ limits: { lingerMsMax: 100 } });
  using client = await Wire.connect(proxy.port);
  await client.send(PREFACE + SETTINGS);
  const { text, reset } = await client.toEnd();
  assert.equal(reset, false);
  assert.equal(text.slice(0, 9), SETTINGS, "the server's preface");
  const goaway = Buffer.from(text.slice(9), "latin1");
  assert.deepEqual([goaway[3], goaway.readUInt32BE(5), goaway.readUInt32BE(9)], [7, 0, 0]);
  assert.equal(goaway.readUInt32BE(13), constants.NGHTTP2_HTTP_1_1_REQUIRED);
  assert.equal(goaway.readUIntBE(0, 3), goaway.length - 9, "and nothing behind it");
  assert.match(
    goaway.toString("latin1", 17),
    /HTTP\/2 without TLS .* use HTTP\/1\.1 here, or HTTP\/2 over TLS/,
  );
  assert.deepEqual(proxy.statuses, [505]);
  assert.deepEqual(proxy.failures.map(({ kind }) => kind), ["version_not_supported"]);
});

Deno.test("an HTTP/2 client takes the refusal for what it is", async () => {
  await using proxy = await startProxy({ limits: { lingerMsMax: 100 } });
  const client = connect(`http://127.0.0.1:${proxy.port}`);
  client.on("error", () => undefined);
  const [code, reason] = await new Promise<[number, string]>((resolve) => {
    client.on("goaway", (...[code, , data]) => resolve([code, data?.toString() ?? ""]));
    client.on("close", () => resolve([-1, "closed"]));
    client.request({ ":path": "/" }).on("error", () => undefined).end();
  });
  client.destroy();
  assert.equal(code, constants.NGHTTP2_HTTP_1_1_REQUIRED, reason);
});

Deno.test("the preface of HTTP/2 behind a request is a malformed request", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { lingerMsMax: 100 } });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 204 No Content\r\n\r\n");
  await responseHead(client);
  await client.send(PREFACE);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 505 HTTP Version Not Supported");
});
