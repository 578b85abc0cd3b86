import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";
import { eventually } from "../testkit/eventually.ts";

const MIB = 1024 * 1024;
const BODY_BYTES = 64 * MIB;
/** Buffers of the kernel for two connections, and the proxy's own. */
const IN_FLIGHT_MAX = 40 * MIB;

/** Writes a body whose bytes depend on their place, as fast as it is taken. */
function pour(wire: Wire): { sent: () => number; done: Promise<string> } {
  let sent = 0;
  const hash = createHash("sha256");
  const run = async (): Promise<string> => {
    const chunk = new Uint8Array(MIB);
    for (let at = 0; at < BODY_BYTES; at += MIB) {
      for (let index = 0; index < MIB; index += 7) chunk[index] = (at / MIB + index) & 0xff;
      hash.update(chunk);
      for (let part = 0; part < MIB; part += 65_536) {
        await wire.send(chunk.slice(part, part + 65_536));
        sent += 65_536;
      }
    }
    return hash.digest("hex");
  };
  return { sent: () => sent, done: run() };
}

async function drink(wire: Wire): Promise<string> {
  const hash = createHash("sha256");
  for (let left = BODY_BYTES; left > 0; left -= 65_536) {
    hash.update(await wire.exactly(65_536), "latin1");
  }
  return hash.digest("hex");
}

/** Waits until `value` has stood still for a while and returns it. */
async function standstill(value: () => number): Promise<number> {
  let last = -1;
  let still = 0;
  await eventually("a standstill", () => {
    still = value() === last ? still + 1 : 0;
    last = value();
    return still >= 6;
  });
  return last;
}

Deno.test("a large response waits for a client that does not read, and arrives whole", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  await wire.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
  const { sent, done } = pour(wire);
  assert.ok(await standstill(sent) < IN_FLIGHT_MAX, "the proxy must not take what it cannot pass on");
  await responseHead(client);
  assert.equal(await drink(client), await done);
});

Deno.test("a large request waits for an app that does not read, and arrives whole", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
  const { sent, done } = pour(client);
  const { wire } = await app.request();
  assert.ok(await standstill(sent) < IN_FLIGHT_MAX, "the proxy must not take what it cannot pass on");
  assert.equal(await drink(wire), await done);
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await responseHead(client);
  assert.equal(await client.exactly(2), "ok");
});

Deno.test("the first event of a stream arrives before the second is sent", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK", "the head does not wait for the body");
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    await wire.send(`${event.length.toString(16)}\r\n${event}\r\n`);
    assert.equal(await client.until(`${event}\r\n`), `9\r\n${event}\r\n`);
  }
});

Deno.test("both bodies can run at the same time", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  await responseHead(client);
  for (const word of ["one", "two"]) {
    await client.send(`3\r\n${word}\r\n`);
    assert.equal(await wire.until(`${word}\r\n`), `3\r\n${word}\r\n`);
    await wire.send(`3\r\n${word}\r\n`);
    assert.equal(await client.until(`${word}\r\n`), `3\r\n${word}\r\n`);
  }
  await client.send("0\r\n\r\n");
  assert.equal(await wire.until("\r\n\r\n"), "0\r\n\r\n");
  await wire.send("0\r\n\r\n");
  assert.equal(await client.until("0\r\n\r\n"), "0\r\n\r\n");
});

for (
  const [moment, head] of [["waits", ""], [
    "reads",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
  ]] as const
) {
  Deno.test(`a client that hangs up while it ${moment} ends the app's work`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    const client = await Wire.connect(proxy.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { wire } = await app.request();
    await wire.send(head);
    if (head !== "") await client.until("half");
    client.close();
    await wire.toEnd();
    await eventually("the end of the request", () => proxy.statuses.length > 0);
    assert.deepEqual(proxy.failures, [], "a client that goes away is no failure");
    assert.deepEqual(proxy.statuses, [head === "" ? 499 : 200]);
  });
}

for (
  const { name, sent } of [
    { name: "a body with a length", sent: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf" },
    { name: "a chunked body", sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n" },
    { name: "a chunk", sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf" },
  ]
) {
  Deno.test(`an app that hangs up in ${name} is noticed by the client`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    using client = await Wire.connect(proxy.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { wire } = await app.request();
    await wire.send(sent);
    await client.until("half");
    wire.close();
    const { text } = await client.toEnd();
    assert.ok(!text.includes("0\r\n\r\n"), "the end of the body must not be made up");
    await eventually("the failure", () => proxy.failures.length > 0);
    assert.deepEqual(proxy.failures.map((each) => [each.kind, each.cut]), [["upstream_closed", true]]);
  });
}

/** With a length or chunks a short body shows; without, only a reset tells it from a whole one. */
Deno.test("an HTTP/1.0 client sees a reset when a body is cut off", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  await client.until("half");
  wire.close();
  assert.equal((await client.toEnd()).reset, true);
});

Deno.test("an app that answers early and closes gets its response through", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart");
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  const { fields } = await responseHead(client);
  assert.ok(fields.includes("Connection: close"));
  assert.equal(await client.exactly(2), "no");
  assert.equal((await client.toEnd()).text, "");
});

Deno.test("an app that closes without a response is a 502 with the request's id", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
  const { wire } = await app.request();
  wire.close();
  const { status, fields } = await responseHead(client);
  assert.equal(status, "HTTP/1.1 502 Bad Gateway");
  assert.ok(fields.includes("X-Request-Id: mine"));
  assert.deepEqual(proxy.failures.map(({ kind, id }) => [kind, id]), [["upstream_closed", "mine"]]);
});

Deno.test("an app that does not answer is a 504, and its connection is given up", async () => {
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    limits: { responseHeadMsMax: 100, lingerMsMax: 100 },
  });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  assert.equal((await responseHead(client)).status, "HTTP/1.1 504 Gateway Timeout");
  await wire.toEnd();
});

for (
  const { name, sent } of [
    { name: "two lengths", sent: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" },
    { name: "an unknown coding", sent: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab" },
    { name: "no status line", sent: "hello\r\n\r\n" },
    { name: "an unrequested switch of protocols", sent: "HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n" },
  ]
) {
  Deno.test(`a response with ${name} is a 502`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    using client = await Wire.connect(proxy.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { wire } = await app.request();
    await wire.send(sent);
    assert.equal((await responseHead(client)).status, "HTTP/1.1 502 Bad Gateway");
    assert.equal(proxy.failures[0]?.kind, "upstream_invalid");
  });
}
