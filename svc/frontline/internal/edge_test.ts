import assert from "node:assert/strict";
import { connect } from "node:net";
import { type Clock, systemClock } from "../../../pkg/clock/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { Edge } from "./edge.ts";

interface TestEdge extends AsyncDisposable {
  readonly edge: Edge;
  readonly port: number;
  readonly logs: readonly string[];
}

async function startEdge(app: App, clock: Clock = systemClock()): Promise<TestEdge> {
  const logs: string[] = [];
  const edge = new Edge({
    clock,
    log: createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) }),
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts: () => false,
    namedDeployments: false,
    random: () => 0.5,
  });
  const endpoint = { instanceId: "i", address: `127.0.0.1:${app.port}`, region: "here" };
  edge.table.apply({ kind: "apply_endpoints", deploymentId: "d", endpoints: [endpoint], protocol: "" }, 0);
  const ids = { routeId: "r", deploymentId: "d", environmentId: "e", workspaceId: "w", stopped: false };
  edge.table.apply({
    kind: "apply_route",
    route: { ...ids, hostname: "shop.example.com", redirectHostname: "" },
  }, 0);
  edge.ready = true;
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  return { edge, port, logs, [Symbol.asyncDispose]: () => edge.proxy.close(0) };
}

async function ask(port: number, request: string): Promise<string> {
  using wire = await Wire.connect(port);
  await wire.send(request);
  const head = await wire.until("\r\n\r\n");
  const length = Number(/\r\nContent-Length: (\d+)/.exec(head)?.[1] ?? 0);
  return head + (request.startsWith("HEAD") ? "" : await wire.exactly(length));
}

const HEALTH = "/_unkey/internal/health";
const UP = { status: 200, body: /{"status":"ok"}/ };
const UNKNOWN = { status: 404, body: /"code":"unknown_host"/ };

/** Checks as load balancers and orchestrators send them, most of them without any setting of their users. */
const CHECKS: readonly {
  readonly name: string;
  readonly request: string;
  readonly want: { readonly status: number; readonly body: RegExp };
}[] = [
  {
    name: "AWS ALB: the root, at address and port",
    request:
      "GET / HTTP/1.1\r\nHost: 10.0.1.5:7070\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n" +
      "Accept-Encoding: gzip, compressed\r\n\r\n",
    want: UP,
  },
  {
    name: "AWS NLB with HTTP: its path, at the address",
    request: `GET ${HEALTH} HTTP/1.1\r\nHost: 10.0.1.5\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n`,
    want: UP,
  },
  {
    name: "Google: the root, at the address, kept alive",
    request:
      "GET / HTTP/1.1\r\nHost: 10.128.0.3\r\nUser-Agent: GoogleHC/1.0\r\nConnection: Keep-alive\r\n\r\n",
    want: UP,
  },
  {
    name: "Azure: the root, at address and port",
    request:
      "GET / HTTP/1.1\r\nHost: 10.1.0.4:7070\r\nUser-Agent: Load Balancer Agent\r\nAccept: */*\r\n\r\n",
    want: UP,
  },
  { name: "HAProxy's option httpchk", request: "OPTIONS / HTTP/1.0\r\n\r\n", want: UP },
  { name: "HAProxy with the server's options", request: "OPTIONS * HTTP/1.0\r\n\r\n", want: UP },
  {
    name: "HAProxy with HTTP/1.1 and an empty host",
    request: `OPTIONS ${HEALTH} HTTP/1.1\r\nHost:\r\n\r\n`,
    want: UP,
  },
  { name: "nginx's check: HTTP/1.0 without a host", request: "GET / HTTP/1.0\r\n\r\n", want: UP },
  { name: "HTTP/1.0 without a host, by path", request: `GET ${HEALTH}/ready HTTP/1.0\r\n\r\n`, want: UP },
  {
    name: "HEAD without a host",
    request: "HEAD / HTTP/1.0\r\n\r\n",
    want: { status: 200, body: /\r\n\r\n$/ },
  },
  {
    name: "HEAD of the path at a host of its own",
    request: `HEAD ${HEALTH} HTTP/1.1\r\nHost: lb.internal\r\n\r\n`,
    want: { status: 200, body: /\r\n\r\n$/ },
  },
  {
    name: "a kube probe",
    request: `GET ${HEALTH}/live HTTP/1.1\r\nHost: 10.244.0.7:7070\r\nUser-Agent: kube-probe/1.30\r\n` +
      "Accept: */*\r\nConnection: close\r\n\r\n",
    want: UP,
  },
  {
    name: "an absolute target",
    request: `GET http://10.0.0.1:7070${HEALTH} HTTP/1.1\r\nHost: 10.0.0.1:7070\r\n\r\n`,
    want: UP,
  },
  { name: "an absolute target in HTTP/1.0", request: "GET http://10.0.0.1/ HTTP/1.0\r\n\r\n", want: UP },
  { name: "IPv6", request: "GET / HTTP/1.1\r\nHost: [fd00::7]:7070\r\n\r\n", want: UP },
  {
    name: "the path at an app's host",
    request: `GET ${HEALTH} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n`,
    want: UP,
  },
  {
    name: "the root at a name that has no app",
    request: "GET / HTTP/1.1\r\nHost: lb.internal\r\n\r\n",
    want: UNKNOWN,
  },
  {
    name: "another path at an address",
    request: "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n",
    want: UNKNOWN,
  },
  {
    name: "another path without a host",
    request: "GET /x HTTP/1.0\r\n\r\n",
    want: { status: 404, body: /The request names no host/ },
  },
  {
    name: "another method at an address",
    request: "POST / HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 0\r\n\r\n",
    want: UNKNOWN,
  },
  {
    name: "HTTP/1.1 without a host, which is no HTTP/1.1",
    request: "GET / HTTP/1.1\r\n\r\n",
    want: { status: 400, body: /Host header is missing/ },
  },
];

Deno.test("an edge answers the checks of load balancers", async (t) => {
  using app = new App();
  await using started = await startEdge(app);
  for (const { name, request, want } of CHECKS) {
    await t.step(name, async () => {
      const text = await ask(started.port, request);
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${want.status} `));
      assert.match(text, want.body);
    });
  }
});

Deno.test("an edge that starts or stops is not healthy, but alive, in every form of a check", async (t) => {
  using app = new App();
  await using started = await startEdge(app);
  const live = CHECKS.filter(({ want }) => want === UP);
  for (const state of ["starting", "stopping"] as const) {
    await t.step(state, async () => {
      started.edge.ready = state !== "starting";
      started.edge.stopping = state === "stopping";
      for (const { name, request } of live) {
        const wanted = request.includes("/live") ? "ok" : state;
        assert.match(await ask(started.port, request), new RegExp(`{"status":"${wanted}"}`), name);
      }
    });
  }
});

Deno.test("an edge that starts lets requests wait for the first snapshot, at most five seconds", async (t) => {
  using app = new App();
  const clock = new ManualClock();
  await using started = await startEdge(app, clock);
  const { edge, port } = started;
  const route = { routeId: "late", deploymentId: "d", environmentId: "e", workspaceId: "w", stopped: false };
  const request = "GET / HTTP/1.1\r\nHost: late.example.com\r\n\r\n";

  await t.step("the snapshot does not come", async () => {
    edge.ready = false;
    const answer = ask(port, request);
    let isAnswered = false;
    void answer.then(() => isAnswered = true);
    await eventually("the answer", async () => {
      await clock.advance(500);
      return isAnswered;
    });
    assert.match(await answer, /^HTTP\/1\.1 503 [^]*"code":"starting"/);
  });

  await t.step("the snapshot comes", async () => {
    using wire = await Wire.connect(port);
    await wire.send(request);
    edge.table.apply({
      kind: "apply_route",
      route: { ...route, hostname: "late.example.com", redirectHostname: "" },
    }, 0);
    edge.ready = true;
    const { wire: own, head } = await app.request();
    assert.ok(head.startsWith("GET / "));
    own.close();
  });
});

Deno.test("an app gets the root of its host, and the check of a path that is almost the edge's", async () => {
  using app = new App();
  await using started = await startEdge(app);
  for (const target of ["/", `${HEALTH}z`]) {
    using wire = await Wire.connect(started.port);
    await wire.send(`GET ${target} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n`);
    const { wire: own, head } = await app.request();
    assert.ok(head.startsWith(`GET ${target} `));
    own.close();
  }
});

Deno.test("connections that only open and close, in whatever way, leave no line in the log", async () => {
  using app = new App();
  await using started = await startEdge(app);
  const count = (wanted: number) =>
    eventually(`${wanted} connections`, () => started.edge.proxy.connections === wanted);
  for (const how of ["end", "destroy", "resetAndDestroy"] as const) {
    const socket = connect(started.port, "127.0.0.1");
    socket.on("error", () => undefined).resume();
    await count(1);
    socket[how]();
    await count(0);
  }
  assert.deepEqual(started.logs, []);
});
