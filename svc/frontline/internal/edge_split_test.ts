/** Two versions behind one host name of a real edge, with real connections. */
import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { Edge } from "./edge.ts";
import { FailedRequests } from "./failed_requests.ts";
import type { Split } from "./share.ts";
import { Traffic } from "./traffic.ts";

async function startEdge(apps: Readonly<Record<string, number>>) {
  const traffic = new Traffic("run");
  const failedRequests = new FailedRequests();
  const places: number[] = [];
  const edge = new Edge({
    clock: systemClock(),
    log: silentLogger(),
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts: () => false,
    namedDeployments: false,
    random: () => places.shift() ?? 0.99,
    traffic,
    failedRequests,
  });
  edge.ready = true;
  const route = (split?: Partial<Split>): void =>
    edge.table.apply({
      kind: "apply_route",
      route: {
        routeId: "r",
        hostname: "shop",
        deploymentId: "live",
        environmentId: "e",
        workspaceId: "w",
        stopped: false,
        redirectHostname: "",
        split: split && { deploymentId: "new", percent: 50, sticky: false, token: "t1", ...split },
      },
    }, 0);
  for (const [deploymentId, port] of Object.entries(apps)) {
    const endpoints = [{ instanceId: `i-${deploymentId}`, address: `127.0.0.1:${port}`, region: "here" }];
    edge.table.apply({ kind: "apply_endpoints", deploymentId, endpoints, protocol: "" }, 0);
  }
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  return {
    edge,
    places,
    route,
    port,
    failedRequests,
    counts(): Readonly<Record<string, readonly [answered: number, failed: number]>> {
      traffic.close(10_000);
      const { deployments = [] } = traffic.next() ?? {};
      return Object.fromEntries(
        deployments.map((
          { deploymentId, responses: [, ok = 0, , , failed = 0] },
        ) => [deploymentId, [ok, failed]]),
      );
    },
    [Symbol.asyncDispose]: () => edge.proxy.close(0),
  };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: own=1\r\n\r\n";
const get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

Deno.test("an edge gives each version its share, counts it there, and sets the cookie beside those of the app", async () => {
  using live = new App();
  using next = new App();
  await using edge = await startEdge({ live: live.port, new: next.port });
  edge.route({ sticky: true });
  edge.places.push(0.1, 0.9);
  using client = await Wire.connect(edge.port);
  const wires: Wire[] = [];
  for (const app of [next, live]) {
    await client.send(get);
    const { wire } = await app.request();
    wires.push(wire);
    await wire.send(OK);
    const head = await client.until("\r\n\r\n");
    assert.match(head, /Set-Cookie: own=1\r\n/);
    assert.match(
      head,
      new RegExp(`Set-Cookie: unkey-split=t1\\.${app === next ? 10 : 90}; Path=/; .*HttpOnly`),
    );
  }
  await client.send(get.replace("\r\n\r\n", "\r\nCookie: unkey-split=t1.10\r\n\r\n"));
  const [wire] = wires;
  await wire?.until("\r\n\r\n");
  await wire?.send(OK);
  assert.doesNotMatch(await client.until("\r\n\r\n"), /unkey-split/);
  assert.deepEqual(edge.counts(), { live: [1, 0], new: [2, 0] });
});

Deno.test("an edge serves the live version while the new one takes no connection, and counts that against the new one", async () => {
  using live = new App();
  const gone = new App();
  const { port } = gone;
  gone[Symbol.dispose]();
  await using edge = await startEdge({ live: live.port, new: port });
  edge.route({});
  edge.places.push(0.1);
  using client = await Wire.connect(edge.port);
  await client.send(get);
  const { wire } = await live.request();
  await wire.send(OK);
  assert.match(await client.until("\r\n\r\n"), /^HTTP\/1\.1 200/);
  assert.deepEqual(edge.counts(), { new: [1, 1] });
});

Deno.test("an edge reports failed requests of both versions after a share has moved", async () => {
  using live = new App();
  await using edge = await startEdge({ live: live.port });
  edge.route();
  edge.failedRequests.note("new", "instance", 1_000);
  assert.equal(edge.failedRequests.take(2_000)?.slots.length ?? 0, 0);
  edge.route({});
  const nowMs = Date.now();
  edge.failedRequests.note("new", "instance", nowMs);
  assert.equal(edge.failedRequests.take(nowMs + 1_000)?.slots.length, 1);
});
