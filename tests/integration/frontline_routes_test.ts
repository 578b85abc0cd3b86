import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { isFault } from "../../pkg/fault/mod.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { app, get, startEdge, TIMES } from "./frontline_edge.ts";
import { applyEndpoints, applyRoute, Feed, HEARTBEAT, outage, snapshotEnd } from "./frontline_feed.ts";
import { Wire } from "../../pkg/proxy/testing_wire.ts";

Deno.test("an edge is ready with the first snapshot, and says so by its health checks", async () => {
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url, { healthPort: 0 });
  const one = app("one");
  try {
    const stream = await feed.stream();
    assert.equal(stream.cursor, 0n);
    assert.deepEqual([...feed.tokens], ["Bearer region_edge"]);
    stream.send(1, applyEndpoints("d_1", one.port));
    assert.equal((await get(edge.port, "any", "/_unkey/internal/health")).status, 503);
    assert.equal((await get(edge.port, "any", "/_unkey/internal/health/live")).status, 200);
    const early = get(edge.port, "app.localhost");
    stream.send(2, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(2, snapshotEnd(2));
    await edge.ready;
    assert.deepEqual(await early, { status: 200, body: "one" }, "asked before the snapshot was complete");
    assert.equal((await get(edge.port, "any", "/_unkey/internal/health")).status, 200);
    for (const host of ["app.localhost", "App.Localhost:7070", "app.localhost."]) {
      assert.deepEqual(await get(edge.port, host), { status: 200, body: "one" }, host);
    }
    await eventually("the acknowledgement", () => feed.acknowledged.includes(2n));
    assert.deepEqual([...feed.edgeIds], ["edge_test"]);
    const health = await fetch(`http://127.0.0.1:${edge.healthPort}/health/ready`);
    assert.equal(health.status, 200);
    await health.body?.cancel();
    const metrics = await (await fetch(`http://127.0.0.1:${edge.healthPort}/metrics`)).text();
    assert.match(metrics, /^unkey_frontline_responses_total\{status="200",part="frontline"\} [1-9]/m);
    assert.match(metrics, /^unkey_frontline_routes\{part="frontline"\} 1$/m);
    await using closed = startEdge(feed.url, { healthPort: 0, metricsFrom: ["192.0.2.0/24"] });
    (await feed.stream()).send(2, snapshotEnd(0));
    await closed.ready;
    const refused = await fetch(`http://127.0.0.1:${closed.healthPort}/metrics`);
    assert.equal(refused.status, 404, "an address that may not read them");
    assert.doesNotMatch(await refused.text(), /unkey_frontline/);
    const open = await fetch(`http://127.0.0.1:${closed.healthPort}/health/ready`);
    assert.equal(open.status, 200, "health checks are for everyone");
    await open.body?.cancel();
  } finally {
    await one.stop();
  }
});

Deno.test("an edge explains unknown hosts and deployments without instances", async () => {
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url);
  const stream = await feed.stream();
  stream.send(1, applyRoute("ir_1", "app.localhost", "d_1"));
  stream.send(1, snapshotEnd(1));
  await edge.ready;
  const unknown = await get(edge.port, "missing.localhost");
  assert.equal(unknown.status, 404);
  assert.match(unknown.body, /No deployment answers for the host \\"missing\.localhost\\"/);
  const none = await get(edge.port, "app.localhost");
  assert.equal(none.status, 503);
  // Only the host decides on an edge: it knows the deployments of everybody.
  const named = await get(edge.port, "missing.localhost", "/", "X-Deployment-Id: d_1\r\n");
  assert.match(named.body, /"code":"unknown_host"/);
  assert.match(none.body, /"code":"no_instance"/);
  stream.send(2, applyRoute("ir_1", "app.localhost", "d_1", true));
  await eventually("the edge to say that it is stopped", async () => {
    const { status, body } = await get(edge.port, "app.localhost");
    return status === 503 && body.includes('"code":"deployment_stopped"') && body.includes("unkey start");
  });
  const lines = edge.logs.filter((line) => line.includes("request_id"));
  assert.ok(lines.length >= 4, "one line for each failed request");
});

Deno.test("an edge keeps its routes while the control plane is away and resumes from its cursor", async () => {
  const one = app("one");
  const two = app("two");
  const port = freePort();
  let feed = await Feed.start(port);
  try {
    await using edge = startEdge(feed.url);
    let stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", one.port));
    stream.send(2, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(2, snapshotEnd(2));
    await edge.ready;
    stream.send(5, applyEndpoints("d_2", two.port));
    await eventually("the acknowledgement", () => feed.acknowledged.includes(5n));
    stream.end(outage());
    await feed[Symbol.asyncDispose]();
    const warnings = (): number => edge.logs.filter((line) => line.includes("route watch failed")).length;
    await eventually("the outage to be noticed", () => warnings() > 0);
    assert.match((await get(edge.port, "app.localhost")).body, /one/);
    feed = await Feed.start(port);
    stream = await feed.stream();
    assert.equal(stream.cursor, 5n);
    stream.send(6, applyRoute("ir_1", "app.localhost", "d_2"));
    await eventually("the switch", async () => (await get(edge.port, "app.localhost")).body.includes("two"));
    stream.send(6, HEARTBEAT);
    await eventually("the acknowledgement", () => feed.acknowledged.includes(6n));
    assert.equal(warnings(), 1, "an outage is logged once");
  } finally {
    await feed[Symbol.asyncDispose]();
    await one.stop();
    await two.stop();
  }
});

Deno.test("an edge prefers instances of regions that are not down, and knows them again after a snapshot", async () => {
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url, { region: "elsewhere" });
  const [one, two] = [app("one"), app("two")];
  const endpoints = [["one", one.port], ["two", two.port]].map(([region, port]) => ({
    instanceId: `ins_${region}`,
    address: `127.0.0.1:${port}`,
    region: String(region),
  }));
  const down = (region: string) => ({ case: "applyDownRegion", value: { region } }) as const;
  const bodies = async (): Promise<string[]> => {
    const all = await Promise.all(Array.from({ length: 20 }, () => get(edge.port, "app.localhost")));
    return [...new Set(all.map(({ body }) => body))].sort();
  };
  try {
    const stream = await feed.stream();
    stream.send(0, { case: "applyEndpoints", value: { deploymentId: "d_1", endpoints } });
    stream.send(0, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(0, down("one"));
    stream.send(1, snapshotEnd(3));
    await edge.ready;
    assert.deepEqual(await bodies(), ["two"]);
    stream.send(2, down("two"));
    await eventually("both to be used when both are down", async () => (await bodies()).length === 2);
    stream.send(3, { case: "deleteDownRegion", value: { region: "one" } });
    await eventually("the region that is back", async () => (await bodies()).join() === "one");
    stream.end(new ConnectError("compacted", Code.OutOfRange));
    const again = await feed.stream();
    again.send(0, { case: "applyEndpoints", value: { deploymentId: "d_1", endpoints } });
    again.send(0, applyRoute("ir_1", "app.localhost", "d_1"));
    again.send(9, snapshotEnd(2));
    await eventually("no region to be down", async () => (await bodies()).length === 2);
  } finally {
    await one.stop();
    await two.stop();
  }
});

/** Versions of snapshot items say nothing about the others: a cursor taken from them would lose changes for good. */
Deno.test("an edge that loses its stream in mid-snapshot asks for all of it again", async () => {
  await using feed = await Feed.start();
  await using edge = startEdge(feed.url);
  const first = await feed.stream();
  first.send(9, applyRoute("ir_1", "app.localhost", "d_1"));
  first.end(outage());
  const second = await feed.stream();
  assert.equal(second.cursor, 0n);
  second.send(3, snapshotEnd(0));
  await edge.ready;
  await eventually("the acknowledgement", () => feed.acknowledged.length > 0);
  assert.deepEqual(feed.acknowledged, [3n]);
  assert.equal((await get(edge.port, "app.localhost")).status, 404, "what the snapshot lacks is dropped");
});

for (const by of ["a heartbeat", "a snapshot"]) {
  Deno.test(`an edge starts over when ${by} shows that the control plane has lost its past`, async () => {
    const one = app("one");
    const two = app("two");
    try {
      await using feed = await Feed.start();
      await using edge = startEdge(feed.url);
      let stream = await feed.stream();
      stream.send(49, applyEndpoints("d_1", one.port));
      stream.send(50, applyRoute("ir_1", "old.localhost", "d_1"));
      stream.send(50, applyRoute("ir_2", "app.localhost", "d_1"));
      stream.send(50, snapshotEnd(3));
      await edge.ready;
      stream.end();
      stream = await feed.stream();
      assert.equal(stream.cursor, 50n);
      if (by === "a heartbeat") {
        stream.send(7, HEARTBEAT);
        stream = await feed.stream();
        assert.equal(stream.cursor, 0n);
      }
      stream.send(0, applyRoute("ir_2", "app.localhost", "d_2"));
      stream.send(0, applyEndpoints("d_2", two.port));
      stream.send(7, snapshotEnd(2));
      await eventually(
        "the old route to go",
        async () => (await get(edge.port, "old.localhost")).status === 404,
      );
      assert.equal((await get(edge.port, "app.localhost")).body, "two");
      stream.send(8, applyEndpoints("d_3", one.port));
      stream.send(9, applyRoute("ir_2", "app.localhost", "d_3"));
      await eventually("the acknowledgement", () => feed.acknowledged.includes(9n));
      assert.equal((await get(edge.port, "app.localhost")).body, "one", "the new versions count");
    } finally {
      await one.stop();
      await two.stop();
    }
  });
}

Deno.test("an edge whose cursor is too old takes a new snapshot for the whole truth", async () => {
  const one = app("one");
  const two = app("two");
  try {
    await using feed = await Feed.start();
    await using edge = startEdge(feed.url);
    let stream = await feed.stream();
    stream.send(0, snapshotEnd(0));
    await edge.ready;
    stream.send(3, applyEndpoints("d_1", one.port));
    stream.send(4, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(5, applyRoute("ir_2", "gone.localhost", "d_1"));
    await eventually("the acknowledgement", () => feed.acknowledged.includes(5n));
    stream.end();
    stream = await feed.stream();
    assert.equal(stream.cursor, 5n);
    stream.send(0, applyRoute("ir_1", "app.localhost", "d_2"));
    stream.send(0, applyEndpoints("d_2", two.port));
    stream.send(900, snapshotEnd(2));
    await eventually("the acknowledgement", () => feed.acknowledged.includes(900n));
    assert.equal((await get(edge.port, "app.localhost")).body, "two");
    assert.equal((await get(edge.port, "gone.localhost")).status, 404);
  } finally {
    await one.stop();
    await two.stop();
  }
});

Deno.test("an edge gives a silent stream up and opens another", async () => {
  await using feed = await Feed.start();
  await using _edge = startEdge(feed.url, {}, { ...TIMES, heartbeatTimeoutMs: 100 });
  const first = await feed.stream();
  let next = first;
  // On a busy machine some are given up before the snapshot has come.
  while (next.cursor !== 1n) {
    next.send(1, snapshotEnd(0));
    next = await feed.stream();
  }
  await eventually("the first stream to be closed", () => first.closed());
});

Deno.test("an edge says that it lives although nothing changes", async () => {
  await using feed = await Feed.start();
  await using _edge = startEdge(feed.url, {}, { ...TIMES, heartbeatMs: 30 });
  (await feed.stream()).send(1, snapshotEnd(0));
  await eventually("three signs of life", () => feed.acknowledged.length >= 3);
});

Deno.test("an edge refuses to start on a port that is taken, and names the setting", async () => {
  await using feed = await Feed.start();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const edge = startEdge(feed.url, { httpPort: taken.addr.port });
    await assert.rejects(edge.done, (error) => {
      assert.ok(isFault(error, "failed_precondition"));
      assert.match(error.publicMessage ?? "", /--http-port \(UNKEY_HTTP_PORT\)/);
      return true;
    });
  } finally {
    taken.close();
  }
});

/** The former instance leaves after each switch: a request that still runs on it must end well. */
Deno.test("no request fails while routes switch and instances leave under load", async () => {
  const one = app("one");
  const two = app("two");
  try {
    await using feed = await Feed.start();
    await using edge = startEdge(feed.url);
    const stream = await feed.stream();
    stream.send(1, applyEndpoints("d_1", one.port));
    stream.send(2, applyRoute("ir_1", "app.localhost", "d_1"));
    stream.send(2, snapshotEnd(2));
    await edge.ready;
    const answers = new Map<string, number>();
    let version = 2;
    let requests = 0;
    let running = true;
    const client = async (method: string): Promise<void> => {
      using wire = await Wire.connect(edge.port);
      const body = method === "POST" ? "Content-Length: 3\r\n\r\nabc" : "\r\n";
      while (running) {
        await wire.send(`${method} / HTTP/1.1\r\nHost: app.localhost\r\n${body}`);
        const head = await wire.until("\r\n\r\n");
        const length = /content-length: (\d+)/i.exec(head)?.[1];
        const answer = `${head.slice(9, 12)} ${await wire.exactly(Number(length ?? 0))}`;
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        requests++;
      }
    };
    using _stop = { [Symbol.dispose]: () => void (running = false) };
    const clients = ["GET", "GET", "POST", "GET", "POST", "GET", "GET", "GET"].map((method) =>
      client(method)
    );
    for (let round = 0; round < 30 || requests < 3_000; round++) {
      const [next, port, former] = round % 2 === 0
        ? ["d_2", two.port, "d_1"] as const
        : ["d_1", one.port, "d_2"] as const;
      // As after coalescing: the route comes before the instances it leads to.
      stream.send(++version, applyRoute("ir_1", "app.localhost", next));
      stream.send(++version, applyEndpoints(next, port));
      stream.send(++version, applyEndpoints(former));
      const target = BigInt(version);
      await eventually("the acknowledgement", () => feed.acknowledged.includes(target), { everyMs: 2 });
    }
    running = false;
    await Promise.all(clients);
    assert.deepEqual([...answers.keys()].toSorted(), ["200 one", "200 two"]);
    assert.ok(requests >= 2_000, `${requests} requests`);
  } finally {
    await one.stop();
    await two.stop();
  }
});
