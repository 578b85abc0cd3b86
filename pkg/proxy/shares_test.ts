/** No client and no app has the whole proxy; time moves only when a test moves it. */
import assert from "node:assert/strict";
import { ManualClock } from "../testkit/manual_clock.ts";
import { eventually } from "../testkit/eventually.ts";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";
import { LIMITS } from "./mod.ts";

const IDLE_MS = 60_000;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n";

async function statusOf(client: Wire, request = GET): Promise<string> {
  await client.send(request);
  return (await responseHead(client)).status.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3);
}

/** Sending an empty line every few seconds kept a connection for ever, and fifty of them kept others out. */
Deno.test("a connection that sends empty lines gets no more time than a head", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ clock });
  using client = await Wire.connect(proxy.port);
  for (let sinceMs = 0; sinceMs <= LIMITS.headMsMax + 2_000; sinceMs += 1_000) {
    await client.send("\r\n").catch(() => undefined);
    await clock.advance(1_000);
  }
  await client.toEnd();
  await eventually("the end", () => proxy.proxy.connections === 0);
});

Deno.test("a client beyond its connections gets 429, and is served when one has ended", async () => {
  await using proxy = await startProxy({ limits: { connectionsPerClientMax: 2 } });
  const [first, second] = [await Wire.connect(proxy.port), await Wire.connect(proxy.port)];
  using third = await Wire.connect(proxy.port);
  assert.match((await third.toEnd()).text, /^HTTP\/1\.1 429 [^]*too_many_from_client/);
  first.close();
  second.close();
  await eventually("both to end", () => proxy.proxy.connections === 0);
  using fourth = await Wire.connect(proxy.port);
  assert.equal(await statusOf(fourth), "503");
});

Deno.test("a balancer that is trusted may have all connections", async () => {
  await using proxy = await startProxy({ limits: { connectionsPerClientMax: 1 }, trusts: () => true });
  using _first = await Wire.connect(proxy.port);
  using second = await Wire.connect(proxy.port);
  assert.equal(await statusOf(second), "503");
});

Deno.test("a new connection takes the place of an idle one when there are too many", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { connectionsMax: 2 } });
  using busy = await Wire.connect(proxy.port);
  await busy.send(GET);
  await app.request();
  using idle = await Wire.connect(proxy.port);
  await eventually("both to be there", () => proxy.proxy.connections === 2);
  using next = await Wire.connect(proxy.port);
  await next.send(GET);
  await app.request();
  assert.equal((await idle.toEnd()).text, "");
  // Now none is idle.
  using last = await Wire.connect(proxy.port);
  assert.match((await last.toEnd()).text, /^HTTP\/1\.1 503 [^]*too_many_connections/);
});

Deno.test("an app beyond its requests gets 503, and other apps are served", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { requestsPerAppMax: 1 } });
  using first = await Wire.connect(proxy.port);
  await first.send(GET);
  const { wire } = await app.request();
  using second = await Wire.connect(proxy.port);
  assert.equal(await statusOf(second), "503");
  assert.equal(proxy.failures[0]?.kind, "too_many_requests");
  using other = await Wire.connect(proxy.port);
  await other.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
  await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert.equal((await responseHead(first)).status, "HTTP/1.1 200 OK");
  using third = await Wire.connect(proxy.port);
  await third.send("GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
  await wire.until("GET /third");
});

Deno.test("a client beyond its requests gets 429, whatever the app", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, limits: { requestsPerClientMax: 1 } });
  using first = await Wire.connect(proxy.port);
  await first.send(GET);
  await app.request();
  using second = await Wire.connect(proxy.port);
  assert.equal(await statusOf(second, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"), "429");
});

Deno.test("an open tunnel counts as a request until it ends, and ends when nothing passes", async () => {
  const clock = new ManualClock();
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    clock,
    limits: { requestsPerAppMax: 1, tunnelIdleMsMax: IDLE_MS },
  });
  using first = await Wire.connect(proxy.port);
  await first.send(UPGRADE);
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  await responseHead(first);
  using second = await Wire.connect(proxy.port);
  assert.equal(await statusOf(second), "503");
  await clock.advance(IDLE_MS - 1_000);
  await first.send("ping");
  await wire.until("ping");
  await clock.advance(IDLE_MS - 1_000);
  await wire.send("pong");
  await first.until("pong");
  await clock.advance(1_000);
  await clock.advance(IDLE_MS + 1_000);
  await first.toEnd();
  using third = await Wire.connect(proxy.port);
  await third.send(GET);
  await app.request();
});

/** One byte in 59 seconds kept a connection to the app busy for days. */
Deno.test("a body that trickles is ended, one that streams to gRPC may rest", async () => {
  const clock = new ManualClock();
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream, clock });
  using slow = await Wire.connect(proxy.port);
  await slow.send(`${POST}\r\n`);
  const { wire } = await app.request();
  using grpc = await Wire.connect(proxy.port);
  await grpc.send(`${POST}Content-Type: application/grpc\r\n\r\n`);
  const { wire: grpcWire } = await app.request();
  for (let count = 0; count < 4; count++) {
    for (const [client, other] of [[slow, wire], [grpc, grpcWire]] as const) {
      await client.send("x").catch(() => undefined);
      await other.until("x").catch(() => undefined);
    }
    await clock.advance(LIMITS.bodyStallMsMax - 1_000);
  }
  assert.match((await slow.toEnd()).text, /^HTTP\/1\.1 408 [^]*slower than 100 bytes per second/);
  assert.deepEqual(proxy.failures.map(({ kind }) => kind), ["request_timeout"]);
});
