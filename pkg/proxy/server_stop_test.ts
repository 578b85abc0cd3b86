/** Connections and requests when a proxy stops; time moves only when a test moves it. */
import assert from "node:assert/strict";
import { LIMITS, type ProxyOptions, type Upstream } from "./mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { eventually } from "../testkit/eventually.ts";
import { App, responseHead, startProxy, Wire } from "./testing_wire.ts";

const DRAIN_MS = 600_000;
/** Time for a stop without requests under way: more than all limits together, and much less than the drain. */
const PROMPT_MS_MAX = DRAIN_MS / 2;
/** More than the system holds for two connections, so that the proxy has to keep the rest. */
const BODY_BYTES = 64 * 1024 * 1024;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function answering(body: string): ProxyOptions["route"] {
  return () => ({ kind: "answer", answer: { status: 200, headers: [], body } });
}

/** Moves time on until `work` is done, and returns how far. */
async function msUntil(clock: ManualClock, work: Promise<void>): Promise<number> {
  const since = clock.now();
  let done = false;
  void work.finally(() => done = true);
  await eventually("the work to be done", async () => {
    await clock.advance(500);
    return done;
  }, { everyMs: 0 });
  return clock.now() - since;
}

Deno.test("close() lets responses be sent whole that wait for their client", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: answering("x".repeat(BODY_BYTES)), clock });
  using client = await Wire.connect(proxy.port);
  await client.send(GET);
  await eventually("the answer to be written", () => proxy.statuses.length === 1);
  await proxy.halt();
  const closed = proxy.proxy.close(DRAIN_MS);
  await clock.advance(1_000);
  await responseHead(client);
  assert.deepEqual(await client.countToEnd(), { bytes: BODY_BYTES, reset: false });
  client.close();
  await msUntil(clock, closed);
});

/** Half of a response must not look like all of it. */
Deno.test("close() cuts off responses that are not sent in time, so that the client notices", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: answering("x".repeat(BODY_BYTES)), clock });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  await eventually("the answer to be written", () => proxy.statuses.length === 1);
  await proxy.halt();
  await msUntil(clock, proxy.proxy.close(5_000));
  assert.equal((await client.countToEnd()).reset, true);
});

Deno.test("close() does not wait for clients that have got everything and do not hang up", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: answering("done"), clock });
  using client = await Wire.connect(proxy.port);
  await client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  assert.match((await client.toEnd()).text, /done$/);
  await proxy.halt();
  assert.ok(await msUntil(clock, proxy.proxy.close(DRAIN_MS)) < PROMPT_MS_MAX);
});

Deno.test("close() does not wait for a request whose head does not come", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: answering("done"), clock });
  using client = await Wire.connect(proxy.port);
  await client.send(`${GET}GET /second HTTP/1.1\r\n`);
  await client.until("done");
  await proxy.halt();
  assert.ok(await msUntil(clock, proxy.proxy.close(DRAIN_MS)) < PROMPT_MS_MAX);
  assert.match((await client.toEnd()).text, /^HTTP\/1\.1 408 /);
});

/** A listener whose queue is full: a connection to it gets no answer at all. */
async function unresponsiveHost(): Promise<Disposable & { readonly upstream: Upstream }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const waiting = [await Deno.connect({ port }), await Deno.connect({ port })];
  return {
    upstream: { key: `unresponsive@${port}`, host: "127.0.0.1", port },
    [Symbol.dispose]: () => {
      for (const each of waiting) each.close();
      listener.close();
    },
  };
}

Deno.test("a request goes on to the next instance also while the proxy closes", async () => {
  const clock = new ManualClock();
  using app = new App();
  using unresponsive = await unresponsiveHost();
  let dialed = 0;
  await using proxy = await startProxy({
    clock,
    route: (_request, tried) => {
      dialed++;
      return { kind: "forward", upstream: tried.size === 0 ? unresponsive.upstream : app.upstream };
    },
  });
  using client = await Wire.connect(proxy.port);
  await client.send(GET);
  await eventually("the first dial", () => dialed === 1);
  await proxy.halt();
  const closed = proxy.proxy.close(DRAIN_MS);
  await clock.advance(LIMITS.dialMsMax + 1_000);
  const { wire } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  assert.match((await client.toEnd()).text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nok$/);
  client.close();
  await msUntil(clock, closed);
});

/** An upgrade restarts the edge under load: a client that has just connected has no way to know. */
Deno.test("close() serves clients that have just connected or got a response, and ends quiet ones", async () => {
  const clock = new ManualClock();
  await using proxy = await startProxy({ route: answering("done"), clock });
  using fresh = await Wire.connect(proxy.port);
  using kept = await Wire.connect(proxy.port);
  using quiet = await Wire.connect(proxy.port);
  await eventually("the connections to be accepted", () => proxy.proxy.connections === 3);
  await clock.advance(400);
  await kept.send(GET);
  await responseHead(kept);
  await kept.exactly("done".length);
  await proxy.halt();
  const closed = proxy.proxy.close(DRAIN_MS);
  await clock.advance(50);
  for (const client of [fresh, kept]) {
    await client.send(GET);
    const { fields } = await responseHead(client);
    assert.ok(fields.some((each) => each.toLowerCase() === "connection: close"), String(fields));
    assert.deepEqual(await client.countToEnd(), { bytes: "done".length, reset: false });
    client.close();
  }
  assert.ok(await msUntil(clock, closed) <= 2_000);
  assert.deepEqual(await quiet.countToEnd(), { bytes: 0, reset: false });
});
