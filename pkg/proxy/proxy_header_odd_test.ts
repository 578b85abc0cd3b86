import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type ProxyHeader, readProxyHeader } from "./proxy_header.ts";
import { App, startProxy, Wire } from "./testing_wire.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const REQUEST = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";

/** A header of version 2: command and family in hex, and what follows the length. */
function binary(commandFamily: string, rest: string): Buffer {
  const length = (rest.length / 2).toString(16).padStart(4, "0");
  return Buffer.from(`${SIGNATURE}${commandFamily}${length}${rest}`, "hex");
}

const V4_ADDRESSES = "c0000207" + "0a000001" + "04d2" + "01bb";
const V6_ADDRESSES = "0".repeat(20) + "ffff" + "c0000207" + "0".repeat(32) + "04d201bb";

Deno.test("readProxyHeader() reads what odd balancers send", async (t) => {
  const read = (bytes: Buffer, address: string | undefined): ProxyHeader => ({
    kind: "read",
    bytes: bytes.length,
    address,
  });
  const cases: readonly (readonly [name: string, bytes: Buffer, address: string | undefined])[] = [
    [
      "IPv4 in IPv6, as text",
      Buffer.from("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 1 2\r\n"),
      "192.0.2.7",
    ],
    ["IPv4 in IPv6, as bytes", binary("2121", V6_ADDRESSES), "192.0.2.7"],
    ["IPv4 over UDP", binary("2112", V4_ADDRESSES), "192.0.2.7"],
    ["a socket of the system", binary("2131", "00".repeat(216)), undefined],
    ["a family that is not named", binary("2100", ""), undefined],
    ["addresses of a balancer that speaks for itself", binary("2011", V4_ADDRESSES), undefined],
    ["2,048 bytes after the head", binary("2111", V4_ADDRESSES + "00".repeat(2_036)), "192.0.2.7"],
    ["a text of 107 bytes", Buffer.from(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`), undefined],
  ];
  for (const [name, bytes, address] of cases) {
    await t.step(name, () => {
      assert.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from("x")])), read(bytes, address));
    });
  }
});

Deno.test("readProxyHeader() refuses as soon as it can be no header", async (t) => {
  const cases: Readonly<Record<string, Buffer>> = {
    "one byte": Buffer.from("G"),
    "a signature with one wrong byte": Buffer.from("0d0a0d0a000d0a515549540b", "hex"),
    "lower case": Buffer.from("proxy "),
    "a text of 108 bytes": Buffer.from(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`),
    "no port": Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n"),
    "a port of six digits": Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 100000 2\r\n"),
    "two blanks": Buffer.from("PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n"),
    "IPv4 in the family of IPv6": Buffer.from("PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n"),
    "an address with a zone": Buffer.from("PROXY TCP4 192.0.2.7%eth0 10.0.0.1 1 2\r\n"),
    "version 1 in bytes": binary("1111", V4_ADDRESSES),
    "an unknown command": binary("2211", V4_ADDRESSES),
    "IPv4 of 11 bytes": binary("2111", V4_ADDRESSES.slice(2)),
    "IPv6 of 35 bytes": binary("2121", V6_ADDRESSES.slice(2)),
    "2,049 bytes after the head": binary("2111", "00".repeat(2_049)),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    await t.step(name, () => assert.equal(readProxyHeader(bytes).kind, "malformed"));
  }
});

Deno.test("a client named as IPv4 in IPv6 is the same client as in IPv4", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, fromBalancer: () => true });
  using client = await Wire.connect(proxy.port);
  await client.send(Buffer.concat([binary("2121", V6_ADDRESSES), Buffer.from(REQUEST)]));
  assert.match((await app.request()).head, /\r\nX-Forwarded-For: 192\.0\.2\.7\r\n/);
});

/** An idle timeout alone would let one byte at a time hold a connection for hours. */
Deno.test("a header that comes in single bytes must be complete in time", async () => {
  await using proxy = await startProxy({ fromBalancer: () => true, limits: { headMsMax: 300 } });
  using client = await Wire.connect(proxy.port);
  const trickle = async (): Promise<void> => {
    for (const byte of Buffer.from(`PROXY UNKNOWN ${"x".repeat(80)}`)) {
      await client.send(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await client.send("\r\nGET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
  };
  const sent = trickle().catch(() => undefined);
  const ended = await client.toEnd().catch((error) => error);
  await sent;
  assert.ok(ended instanceof Error || ended.text === "", "the connection ends without an answer");
  assert.equal(proxy.proxy.connections, 0);
});

Deno.test("a header limits nothing that comes behind it, and its address holds for all requests", async () => {
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    fromBalancer: () => true,
    limits: { headMsMax: 300 },
  });
  using client = await Wire.connect(proxy.port);
  await client.send(`PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n${REQUEST}`);
  const { wire } = await app.request();
  assert.ok(await client.receivesNothingFor(700), "longer than the limit of the header");
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  await client.until("\r\n\r\n");
  await client.send("GET /again HTTP/1.1\r\nHost: app.test\r\n\r\n");
  const again = await wire.until("\r\n\r\n");
  assert.match(again, /^GET \/again .*\r\nX-Forwarded-For: 192\.0\.2\.7\r\n/s);
});
