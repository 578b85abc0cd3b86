/** Requests for what sleeps, on the wire. */
import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, responseHead, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Edge } from "./edge.ts";
import type { Route } from "./route_table.ts";

const HOST = "shop.test";
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

class Bed implements AsyncDisposable {
  readonly woken: string[] = [];
  readonly edge: Edge;
  port = 0;

  constructor(isWaking = true) {
    const transport = createRouterTransport(({ rpc }) => {
      rpc(FrontlineService.method.wakeDeployment, ({ deploymentId }) => {
        this.woken.push(deploymentId);
        return { waking: isWaking };
      });
    });
    this.edge = new Edge({
      clock: systemClock(),
      log: silentLogger(),
      region: "here",
      limits: { ...LIMITS, lingerMsMax: 100 },
      trusts: () => false,
      namedDeployments: false,
      random: () => 0.5,
      wakes: createClient(FrontlineService, transport),
    });
  }

  static async start(isWaking = true): Promise<Bed> {
    const bed = new Bed(isWaking);
    bed.route({});
    bed.edge.ready = true;
    bed.port = await bed.edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
    return bed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge.proxy.close(0);
    this.edge.sleepers?.queue.close();
  }

  route(changes: Partial<Route>): void {
    const ids = { routeId: "r", deploymentId: "d", environmentId: "e", workspaceId: "w" };
    const route = { ...ids, hostname: HOST, stopped: false, wakes: true, redirectHostname: "", ...changes };
    this.edge.table.apply({ kind: "apply_route", route }, 0);
  }

  runs(port: number | undefined, deploymentId = "d"): void {
    const endpoints = port === undefined
      ? []
      : [{ instanceId: `i-${deploymentId}`, address: `127.0.0.1:${port}`, region: "here" }];
    this.edge.table.apply({ kind: "apply_endpoints", deploymentId, endpoints, protocol: "" }, 0);
  }

  /** A client that waits. */
  async ask(request = GET): Promise<Wire> {
    const before = this.waiting;
    const wire = await Wire.connect(this.port);
    await wire.send(request);
    await eventually("the request to wait", () => this.waiting > before);
    return wire;
  }

  get waiting(): number {
    return this.edge.sleepers?.queue.waiting ?? 0;
  }
}

async function answered(app: App, wire: Wire, text: string): Promise<void> {
  const { wire: inner, head } = await app.request();
  assert.match(head, /^(?:GET|POST) \//);
  await inner.send(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
  const { status } = await responseHead(wire);
  assert.match(status, /200/);
  assert.equal(await wire.exactly(text.length), text);
}

Deno.test("the first request for an app that sleeps wakes it, waits, and is served", async () => {
  using app = new App();
  await using bed = await Bed.start();
  using wire = await bed.ask();
  assert.deepEqual(bed.woken, ["d"]);
  bed.runs(app.port);
  await answered(app, wire, "hello");
  assert.equal(bed.waiting, 0);
});

Deno.test("a request with a body waits as well, and none of it is lost", async () => {
  using app = new App();
  await using bed = await Bed.start();
  using wire = await bed.ask(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 6\r\n\r\nabc`);
  bed.runs(app.port);
  const { wire: inner } = await app.request();
  assert.equal(await inner.exactly(3), "abc");
  await wire.send("def");
  assert.equal(await inner.exactly(3), "def");
  await inner.send("HTTP/1.1 204 No Content\r\n\r\n");
  assert.match((await responseHead(wire)).status, /204/);
});

Deno.test("a client that goes away no longer waits", async () => {
  await using bed = await Bed.start();
  const wire = await bed.ask();
  wire.close();
  await eventually("its place to be free", () => bed.waiting === 0);
});

Deno.test("requests that wait follow their host name to another deployment, or are answered that it stopped", async () => {
  using app = new App();
  await using bed = await Bed.start();
  using moved = await bed.ask();
  bed.runs(app.port, "d2");
  bed.route({ deploymentId: "d2" });
  await answered(app, moved, "second");
  bed.runs(undefined, "d2");
  using stopped = await bed.ask();
  bed.route({ deploymentId: "d2", stopped: true });
  const { status, fields } = await responseHead(stopped);
  assert.match(status, /503/);
  assert.ok(fields.includes("X-Unkey-Error: deployment_stopped"));
});

Deno.test("an app that does not sleep is answered at once, and so is one whose instances were lost", async () => {
  await using bed = await Bed.start(false);
  bed.route({ wakes: false });
  using wire = await Wire.connect(bed.port);
  await wire.send(GET);
  const plain = await responseHead(wire);
  assert.ok(plain.fields.includes("X-Unkey-Error: no_instance"));
  assert.deepEqual(bed.woken, []);
  bed.route({});
  using lost = await bed.ask();
  assert.ok((await responseHead(lost)).fields.includes("X-Unkey-Error: no_instance"));
  using again = await Wire.connect(bed.port);
  await again.send(GET);
  assert.ok((await responseHead(again)).fields.includes("X-Unkey-Error: no_instance"));
  assert.deepEqual(bed.woken, ["d"], "the control plane is not asked again at once");
});

Deno.test("a request that an edge cannot hold any longer is answered with the time to come again", async () => {
  await using bed = await Bed.start();
  using wire = await bed.ask();
  bed.edge.sleepers?.queue.close();
  const { status, fields } = await responseHead(wire);
  assert.match(status, /503/);
  assert.ok(fields.includes("X-Unkey-Error: waking") && fields.includes("Retry-After: 5"));
});
