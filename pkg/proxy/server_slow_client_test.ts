/** Clients that take their response more slowly than it comes; time moves only when a test moves it. */
import assert from "node:assert/strict";
import { LIMITS, type ProxyOptions } from "./mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { eventually } from "../testkit/eventually.ts";
import { responseHead, startProxy, type TestProxy, Wire } from "./testing_wire.ts";

const MIB = 1024 * 1024;
/** More than the system holds for two connections, so that the proxy has to keep the rest. */
const BODY_BYTES = 64 * MIB;

const large: ProxyOptions["route"] = () => ({
  kind: "answer",
  answer: { status: 200, headers: [], body: "x".repeat(BODY_BYTES) },
});

async function answered(proxy: TestProxy, count = 1): Promise<void> {
  await eventually("the answer to be written", () => proxy.statuses.length === count);
}

const REQUESTS = {
  "closes its connection": "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "speaks HTTP/1.0": "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
};

for (const [what, request] of Object.entries(REQUESTS)) {
  Deno.test(`a client that ${what} and pauses gets the whole response`, async () => {
    const clock = new ManualClock();
    await using proxy = await startProxy({ route: large, clock });
    using client = await Wire.connect(proxy.port);
    await client.send(request);
    await answered(proxy);
    await clock.advance(LIMITS.responseStallMsMax - 1_000);
    await responseHead(client);
    assert.deepEqual(await client.countToEnd(), { bytes: BODY_BYTES, reset: false });
  });
}

Deno.test("a client that keeps its connection and pauses gets the whole response", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: large, clock });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await answered(proxy);
  await clock.advance(LIMITS.keepAliveMsMax + 10_000);
  await responseHead(client);
  for (let left = BODY_BYTES; left > 0; left -= MIB) await client.exactly(MIB);
  await client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
});

Deno.test("a client that ends its half after the request was answered gets the whole response", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: large, clock });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await answered(proxy);
  await client.finish();
  await clock.advance(5_000);
  await responseHead(client);
  assert.deepEqual(await client.countToEnd(), { bytes: BODY_BYTES, reset: false });
});

/** Without a length, the end of the connection is the end of the response: it must not look whole. */
for (const [what, request] of Object.entries(REQUESTS)) {
  Deno.test(`a client that ${what} and takes nothing for too long is cut off so that it notices`, async () => {
    const clock = new ManualClock();
    await using proxy = await startProxy({ route: large, clock });
    using client = await Wire.connect(proxy.port);
    await client.send(request);
    await answered(proxy);
    await clock.advance(LIMITS.responseStallMsMax + 5_000);
    assert.equal(proxy.proxy.connections, 0);
    assert.equal((await client.countToEnd()).reset, true);
  });
}

Deno.test("the time to linger begins when the client has got everything", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: large, clock });
  using client = await Wire.connect(proxy.port);
  await client.send(REQUESTS["closes its connection"]);
  await answered(proxy);
  await clock.advance(60_000);
  await responseHead(client);
  assert.deepEqual(await client.countToEnd(), { bytes: BODY_BYTES, reset: false });
  await clock.advance(LIMITS.lingerMsMax - 500);
  assert.equal(proxy.proxy.connections, 1, "what the client still sends is taken");
  await clock.advance(LIMITS.lingerMsMax);
  assert.equal(proxy.proxy.connections, 0);
});

Deno.test("a client that still sends its request gets the whole response that ends the connection", async () => {
  await using proxy = await startProxy({ route: large });
  using client = await Wire.connect(proxy.port);
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MIB}\r\n\r\n`);
  await answered(proxy);
  await client.send(new Uint8Array(8 * MIB));
  await responseHead(client);
  assert.deepEqual(await client.countToEnd(), { bytes: BODY_BYTES, reset: false });
});

/** Each response is small, but a client that asks on and on without reading would fill the memory with them. */
Deno.test("requests in one packet wait while the client does not take the responses", async () => {
  const requests = 128;
  await using proxy = await startProxy({
    route: () => ({ kind: "answer", answer: { status: 200, headers: [], body: "x".repeat(MIB) } }),
  });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(requests));
  let before = -1;
  await eventually("a standstill", () => {
    const still = proxy.statuses.length === before;
    before = proxy.statuses.length;
    return still && before > 0;
  }, { everyMs: 500 });
  assert.ok(before < 64, `${before} MiB were answered although the client does not read`);
  for (let each = 0; each < requests; each++) {
    assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
    await client.exactly(MIB);
  }
});
