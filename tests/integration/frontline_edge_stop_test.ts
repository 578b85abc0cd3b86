/** The stop of an edge: it reports that it is not ready, serves on, and follows its routes until the end. */
import assert from "node:assert/strict";
import { ManualClock } from "../../pkg/testkit/manual_clock.ts";
import { eventually } from "../testbed/wait.ts";
import { app, get, refuses, startEdge, TIMES } from "./frontline_edge.ts";
import { applyEndpoints, applyRoute, Feed, snapshotEnd } from "./frontline_feed.ts";
import { responseHead, Wire } from "../../pkg/proxy/testing_wire.ts";

/** Load balancers notice a stop after a few seconds: requests that they send until then must be served. */
Deno.test("an edge that stops says so first, and goes on to serve until its delay is over", async () => {
  const clock = new ManualClock();
  const one = app("one");
  try {
    await using feed = await Feed.start();
    await using edge = startEdge(feed.url, { stopDelayMs: 5_000, healthPort: 0 }, TIMES, clock);
    const stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", one.port));
    stream.send(2, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(2, snapshotEnd(2));
    await edge.ready;
    edge.stop();
    assert.deepEqual(await get(edge.port, "any", "/_unkey/internal/health"), {
      status: 503,
      body: '{"status":"stopping"}\n',
    });
    assert.equal((await get(edge.port, "any", "/_unkey/internal/health/live")).status, 200);
    const health = await fetch(`http://127.0.0.1:${edge.healthPort}/health/ready`);
    assert.equal(health.status, 503);
    await health.body?.cancel();
    await clock.advance(4_000);
    assert.deepEqual(await get(edge.port, "app.localhost"), { status: 200, body: "one" });
    assert.equal((await get(edge.port, "missing.localhost")).status, 404, "its routes are as good as before");
    let ended = false;
    void edge.done.then(() => ended = true);
    await eventually("the end", async () => {
      await clock.advance(500);
      return ended;
    });
    assert.ok(await refuses(edge.port));
  } finally {
    await one.stop();
  }
});

/** The instances that it knows at the stop may all have left by the time the last request comes. */
Deno.test("an edge follows its routes until its last request has ended", async () => {
  const one = app("one");
  const two = app("two");
  try {
    await using feed = await Feed.start();
    await using edge = startEdge(feed.url, { drainMs: 120_000, headMsMax: 120_000, healthPort: 0 });
    const stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", one.port));
    stream.send(2, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(2, snapshotEnd(2));
    await edge.ready;
    using client = await Wire.connect(edge.port);
    const request = "GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n";
    await client.send(`${request}GET /late HTTP/1.1\r\n`);
    const first = await responseHead(client);
    assert.equal(await client.exactly(3), "one", first.status);
    edge.stop();
    await eventually("the edge to accept nothing more", () => refuses(edge.port));
    stream.send(3, applyEndpoints("d_1", two.port));
    await eventually("the acknowledgement", () => feed.acknowledged.includes(3n), { deadlineMs: 60_000 });
    const metrics = await (await fetch(`http://127.0.0.1:${edge.healthPort}/metrics`)).text();
    assert.match(metrics, /^unkey_frontline_connections\{part="frontline"\} 1$/m);
    await client.send("Host: app.localhost\r\n\r\n");
    await responseHead(client);
    assert.equal((await client.toEnd()).text, "two");
    client.close();
    await edge.done;
    await eventually("the end of the stream", () => stream.closed());
  } finally {
    await one.stop();
    await two.stop();
  }
});
