import assert from "node:assert/strict";
import type { Upstream } from "./mod.ts";
import { App, deadUpstream, responseHead, startProxy, Wire } from "./testing_wire.ts";
import { eventually } from "../testkit/eventually.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Sends to the first of `upstreams` that has not been tried. */
function inOrder(upstreams: readonly Upstream[]) {
  return (_request: unknown, tried: ReadonlySet<string>) => {
    const upstream = upstreams.find((each) => !tried.has(each.key));
    if (upstream !== undefined) return { kind: "forward", upstream } as const;
    return { kind: "fail", failure: { kind: "instance_unreachable", detail: "none left" } } as const;
  };
}

Deno.test("a request with a body goes to another instance when the first cannot be dialed", async () => {
  using app = new App();
  await using proxy = await startProxy({ route: inOrder([deadUpstream(), app.upstream]) });
  using client = await Wire.connect(proxy.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  const { wire, head } = await app.request();
  assert.match(head, /^POST \/ /);
  assert.equal(await wire.exactly(5), "hello");
  await wire.send(OK);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
  assert.deepEqual(proxy.failures, []);
});

Deno.test("a request is answered with 503 when no instance can be dialed, and its connection goes on", async () => {
  await using proxy = await startProxy({ route: inOrder([deadUpstream(), deadUpstream()]) });
  using client = await Wire.connect(proxy.port);
  for (let round = 0; round < 2; round++) {
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { status, fields } = await responseHead(client);
    assert.equal(status, "HTTP/1.1 503 Service Unavailable");
    const length = Number(fields.find((each) => each.startsWith("Content-Length: "))?.slice(16));
    assert.match(await client.exactly(length), /^instance_unreachable/);
  }
  assert.match(proxy.failures[0]?.cause ?? "", /refused/i);
});

/** A listener whose queue is full: the system answers no further dial. */
async function silentUpstream(): Promise<{ readonly upstream: Upstream } & Disposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const queued = [await Wire.connect(port), await Wire.connect(port)];
  return {
    upstream: { key: "silent", host: "127.0.0.1", port },
    [Symbol.dispose]() {
      for (const each of queued) each.close();
      listener.close();
    },
  };
}

Deno.test("a dial without an answer is short while there is another instance", async () => {
  using app = new App();
  using silent = await silentUpstream();
  const route = inOrder([silent.upstream, app.upstream]);
  await using proxy = await startProxy({
    route: (request, tried) => ({ ...route(request, tried), hasOthers: tried.size === 0 }),
    limits: { firstDialMsMax: 100, dialMsMax: 600_000, lingerMsMax: 100 },
  });
  using client = await Wire.connect(proxy.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  const { wire } = await app.request();
  assert.equal(await wire.exactly(5), "hello");
  await wire.send(OK);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
});

/** It may have been processed: whether to send it again is not for a proxy to decide. */
Deno.test("a request that an instance took is not sent to another one", async () => {
  using first = new App();
  using second = new App();
  await using proxy = await startProxy({ route: inOrder([first.upstream, second.upstream]) });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await first.request();
  wire.close();
  assert.equal((await responseHead(client)).status, "HTTP/1.1 502 Bad Gateway");
});

/** The app closes an idle connection at the very moment a request is on its way to it. */
Deno.test("a kept connection that the app has closed fails no request", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  const first = await app.request();
  await first.wire.send(OK);
  await responseHead(client);
  await client.exactly(2);
  await client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await first.wire.until("\r\n\r\n"), /^GET \/2 /, "the request has reached the old connection");
  first.wire.close();
  const second = await app.request();
  assert.match(second.head, /^GET \/2 /);
  await second.wire.send(OK);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
  assert.deepEqual(proxy.failures, []);
});

for (const body of ["1", ""]) {
  Deno.test(`a POST with ${body.length} bytes is not repeated, not even on a kept connection`, async () => {
    using app = new App();
    await using proxy = await startProxy({ upstream: app.upstream });
    using client = await Wire.connect(proxy.port);
    await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    const { wire } = await app.request();
    await wire.send(OK);
    await responseHead(client);
    await client.exactly(2);
    await client.send(`POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await wire.until(`\r\n\r\n${body}`);
    wire.close();
    assert.equal((await responseHead(client)).status, "HTTP/1.1 502 Bad Gateway");
  });
}

Deno.test("a GET that a kept connection lost goes to another instance when the first cannot be dialed any more", async () => {
  using first = new App();
  using second = new App();
  await using proxy = await startProxy({ route: inOrder([first.upstream, second.upstream]) });
  using client = await Wire.connect(proxy.port);
  await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  const kept = await first.request();
  await kept.wire.send(OK);
  await responseHead(client);
  await client.exactly(2);
  await client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  await kept.wire.until("\r\n\r\n");
  first[Symbol.dispose]();
  const other = await second.request();
  assert.match(other.head, /^GET \/2 /);
  await other.wire.send(OK);
  assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
});

Deno.test("a POST takes a new connection when the kept one is closed already", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  for (let round = 0; round < 20; round++) {
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1");
    const { wire } = await app.request();
    await wire.exactly(1);
    await wire.send(OK);
    wire.close();
    assert.equal((await responseHead(client)).status, "HTTP/1.1 200 OK");
    await client.exactly(2);
  }
  assert.deepEqual(proxy.failures, []);
});

Deno.test("an app that closes after each response gets a new connection each time", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  for (let round = 0; round < 3; round++) {
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { wire } = await app.request();
    await wire.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    await responseHead(client);
    await client.exactly(2);
    assert.equal((await wire.toEnd()).text, "");
  }
});

Deno.test("an instance that leaves finishes its requests, and keeps no connection", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using idle = await Wire.connect(proxy.port);
  using busy = await Wire.connect(proxy.port);
  await idle.send("GET /idle HTTP/1.1\r\nHost: a\r\n\r\n");
  const kept = await app.request();
  await busy.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
  const running = await app.request();
  await kept.wire.send(OK);
  await responseHead(idle);
  proxy.proxy.retire(app.upstream.key);
  assert.equal((await kept.wire.toEnd()).text, "", "the idle connection is closed");
  await running.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlong");
  assert.equal((await responseHead(busy)).status, "HTTP/1.1 200 OK");
  assert.equal(await busy.exactly(4), "long");
  assert.equal((await running.wire.toEnd()).text, "", "the running one is closed after its response");
});

Deno.test("the load of an instance is the number of its running requests", async () => {
  using app = new App();
  await using proxy = await startProxy({ upstream: app.upstream });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  assert.equal(proxy.proxy.load(app.upstream.key), 1);
  await wire.send(OK);
  await responseHead(client);
  await eventually("no load", () => proxy.proxy.load(app.upstream.key) === 0);
});

Deno.test("idle connections to apps are closed after their time", async () => {
  using app = new App();
  await using proxy = await startProxy({
    upstream: app.upstream,
    limits: { idleUpstreamMsMax: 50, lingerMsMax: 100 },
  });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const { wire } = await app.request();
  await wire.send(OK);
  assert.equal((await wire.toEnd()).text, "");
});

Deno.test("close() lets running requests end, refuses new ones and cuts off those that take too long", async () => {
  using app = new App();
  const proxy = await startProxy({ upstream: app.upstream });
  using idle = await Wire.connect(proxy.port);
  using running = await Wire.connect(proxy.port);
  using stuck = await Wire.connect(proxy.port);
  await running.send("GET /running HTTP/1.1\r\nHost: a\r\n\r\n");
  const first = await app.request();
  await stuck.send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n");
  await app.request();
  await eventually("three connections", () => proxy.proxy.connections === 3);
  const closed = proxy.proxy.close(5_000);
  assert.equal((await idle.toEnd()).text, "");
  await assert.rejects(Wire.connect(proxy.port), Deno.errors.ConnectionRefused);
  await first.wire.send(OK);
  const { text } = await running.toEnd();
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nok$/);
  await closed;
  assert.equal((await stuck.toEnd()).text, "");
  await proxy[Symbol.asyncDispose]();
});
