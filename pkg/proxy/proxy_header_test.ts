import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readProxyHeader } from "./proxy_header.ts";
import { SERVER_NAME, testTls } from "./testing_tls.ts";
import { App, startProxy, Wire } from "./testing_wire.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V4 = `${SIGNATURE}21110010` + "c0000207" + "0a000001" + "04d2" + "01bb" + "04000101";
const V6 = `${SIGNATURE}21210024` + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" +
  "04d201bb";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

Deno.test("readProxyHeader() finds the client's address, in both versions", () => {
  const cases: readonly (readonly [Buffer, string | undefined])[] = [
    [Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1234 443\r\n"), "192.0.2.7"],
    [Buffer.from("PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n"), "2001:db8::1"],
    [Buffer.from("PROXY UNKNOWN\r\n"), undefined],
    [Buffer.from("PROXY UNKNOWN anything at all\r\n"), undefined],
    [hex(V4), "192.0.2.7"],
    [hex(V6), "2001:db8:0:0:0:0:0:1"],
    [hex(`${SIGNATURE}20000000`), undefined],
    [hex(`${SIGNATURE}21000004deadbeef`), undefined],
  ];
  for (const [bytes, address] of cases) {
    const header = readProxyHeader(Buffer.concat([bytes, Buffer.from("GET /")]));
    assert.deepEqual(header, { kind: "read", bytes: bytes.length, address });
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(readProxyHeader(bytes.subarray(0, length)).kind, "more", `${length} bytes of ${address}`);
    }
  }
});

Deno.test("readProxyHeader() refuses what is no header", () => {
  const cases = [
    Buffer.from("GET / HTTP/1.1\r\n"),
    Buffer.from("PROXY TCP4 example.com 10.0.0.1 1 2\r\n"),
    Buffer.from("PROXY TCP4 2001:db8::1 10.0.0.1 1 2\r\n"),
    Buffer.from("PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n"),
    Buffer.from(`PROXY UNKNOWN ${"x".repeat(100)}\r\n`),
    hex(`${SIGNATURE}11110000`),
    hex(`${SIGNATURE}22110000`),
    hex(`${SIGNATURE}2111ffff`),
    hex(`${SIGNATURE}21110004c0000207`),
  ];
  for (const bytes of cases) assert.equal(readProxyHeader(bytes).kind, "malformed", bytes.toString("latin1"));
});

Deno.test("the address that a balancer tells is the client's, over both ports", async (t) => {
  using app = new App();
  const { tls, authority } = await testTls();
  await using proxy = await startProxy({ upstream: app.upstream, tls, fromBalancer: () => true });
  const request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
  await t.step("in clear text, in one piece and in several", async () => {
    for (
      const pieces of [[`PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n${request}`], [
        "PROXY TCP4 192.0.2.7 10.0",
        ".0.1 1 2\r",
        "\n",
        request,
      ]]
    ) {
      using client = await Wire.connect(proxy.port);
      for (const piece of pieces) await client.send(piece);
      assert.match((await app.request()).head, /\r\nX-Forwarded-For: 192\.0\.2\.7\r\n/);
    }
  });
  await t.step("over TLS", async () => {
    using client = await Wire.connectTls(proxy.securePort, {
      serverName: SERVER_NAME,
      authority,
      before: hex(V4),
    });
    await client.send(request);
    assert.match((await app.request()).head, /\r\nX-Forwarded-For: 192\.0\.2\.7\r\n/);
  });
  await t.step("and a balancer that speaks for itself has its own", async () => {
    using client = await Wire.connect(proxy.port);
    await client.send(Buffer.concat([hex(`${SIGNATURE}20000000`), Buffer.from(request)]));
    assert.match((await app.request()).head, /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/);
  });
});

Deno.test("connections of balancers without a header are ended, and those of others have none", async () => {
  using app = new App();
  await using strict = await startProxy({
    upstream: app.upstream,
    fromBalancer: () => true,
    limits: { headMsMax: 200 },
  });
  const request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
  for (const bytes of [request, "PROX"]) {
    using client = await Wire.connect(strict.port);
    await client.send(bytes);
    assert.equal((await client.toEnd()).text, "");
  }
  await using other = await startProxy({ upstream: app.upstream, fromBalancer: () => false });
  using client = await Wire.connect(other.port);
  await client.send(`PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n${request}`);
  assert.match((await client.toEnd()).text, /^HTTP\/1\.1 400 /);
});
