/** The numbers of a real edge with real connections. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import type { TrafficCounts } from "./deployment_traffic.ts";
import { Edge } from "./edge.ts";
import { Traffic } from "./traffic.ts";

async function startEdge(app: App) {
  const traffic = new Traffic("run");
  const clock: Clock = systemClock();
  const edge = new Edge({
    clock,
    log: silentLogger(),
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts: () => false,
    namedDeployments: false,
    random: () => 0.5,
    traffic,
  });
  const ids = { environmentId: "e", workspaceId: "w", stopped: false };
  const endpoint = { instanceId: "i", address: `127.0.0.1:${app.port}`, region: "here" };
  edge.table.apply({ kind: "apply_endpoints", deploymentId: "d", endpoints: [endpoint], protocol: "" }, 0);
  for (
    const [deploymentId, hostname, redirectHostname] of [["d", "a", ""], ["none", "b", ""], [
      "d",
      "c",
      "a",
    ]] as const
  ) {
    const route = { ...ids, routeId: hostname, deploymentId, hostname, redirectHostname };
    edge.table.apply({ kind: "apply_route", route }, 0);
  }
  edge.ready = true;
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  let intervals = 0;
  return {
    port,
    /** The numbers since the last call, by deployment. */
    take(): ReadonlyMap<string, TrafficCounts> {
      traffic.close(++intervals * 10_000);
      const batch = traffic.next();
      if (batch !== undefined) traffic.sent(batch);
      return new Map(batch?.deployments.map((each) => [each.deploymentId, each]));
    },
    [Symbol.asyncDispose]: () => edge.proxy.close(0),
  };
}

const get = (host: string, more = ""): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

Deno.test("an edge counts the requests of deployments, and none that it answers itself", async () => {
  using app = new App();
  await using edge = await startEdge(app);
  using client = await Wire.connect(edge.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  const { wire } = await app.request();
  await wire.exactly(5);
  const running = edge.take().get("d");
  assert.deepEqual([running?.concurrencyNow, running?.receivedBytes, running?.responses], [1, 5, [
    0,
    0,
    0,
    0,
    0,
  ]]);
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome");
  await client.until("welcome");
  for (const status of ["404 Not Found", "500 Oops"]) {
    await client.send(get("a"));
    await wire.until("\r\n\r\n");
    await wire.send(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    await client.until("\r\n\r\n");
  }
  for (const host of ["b", "c", "unknown"]) {
    await client.send(get(host));
    const head = await client.until("\r\n\r\n");
    await client.exactly(Number(/Content-Length: (\d+)/.exec(head)?.[1]));
  }
  await client.send("GET /_unkey/internal/health HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.until('"ok"}\n');
  const counts = edge.take();
  assert.deepEqual([...counts.keys()], ["d", "none"]);
  const [own, none] = [counts.get("d"), counts.get("none")];
  assert.deepEqual([own?.responses, own?.failedByEdge, own?.concurrencyNow], [[0, 1, 0, 1, 1], 0, 0]);
  assert.deepEqual([own?.sentBytes, own?.latencyCounts.reduce((sum, count) => sum + count, 0)], [7, 3]);
  assert.deepEqual([none?.responses, none?.failedByEdge, none?.latencyCounts], [[0, 0, 0, 0, 1], 1, []]);
});

Deno.test("an edge counts responses that broke off, clients that went away, and tunnels with their bytes", async () => {
  using app = new App();
  await using edge = await startEdge(app);
  using first = await Wire.connect(edge.port);
  await first.send(get("a"));
  const cut = await app.request();
  await cut.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
  await first.until("part");
  cut.wire.close();
  await first.toEnd();
  using second = await Wire.connect(edge.port);
  await second.send(get("a"));
  await app.request();
  second.close();
  using third = await Wire.connect(edge.port);
  await third.send(get("a", "Connection: Upgrade\r\nUpgrade: chat\r\n"));
  const tunnel = await app.request();
  await tunnel.wire.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n12345",
  );
  await third.until("12345");
  await third.send("123");
  await tunnel.wire.exactly(3);
  const sum = { responses: [0, 0, 0, 0, 0], cutOff: 0, cancelled: 0, received: 0, sent: 0, now: 0 };
  const add = (counts: TrafficCounts | undefined): void => {
    if (counts === undefined) return;
    sum.responses = sum.responses.map((count, at) => count + (counts.responses[at] ?? 0));
    sum.cutOff += counts.cutOff;
    sum.cancelled += counts.cancelled;
    sum.received += counts.receivedBytes;
    sum.sent += counts.sentBytes;
    sum.now = counts.concurrencyNow;
  };
  await eventually("the client that went away", () => {
    add(edge.take().get("d"));
    return sum.cancelled === 1;
  });
  assert.deepEqual(sum, {
    responses: [1, 1, 0, 0, 0],
    cutOff: 1,
    cancelled: 1,
    received: 0,
    sent: 4,
    now: 1,
  });
  third.close();
  tunnel.wire.close();
  await eventually("the end of the tunnel", () => {
    add(edge.take().get("d"));
    return sum.now === 0;
  });
  assert.deepEqual([sum.received, sum.sent], [3, 9]);
});
