import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, responseHead, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { makeCertificate } from "../../../pkg/testkit/certificate.ts";
import { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";
import { Challenges } from "./challenges.ts";
import { Edge } from "./edge.ts";
import type { EdgeHttps } from "./edge_options.ts";

const HTTPS: EdgeHttps = { publicPort: 443, redirects: true, strictTransport: undefined };

interface TestEdge extends AsyncDisposable {
  readonly edge: Edge;
  readonly port: number;
}

/** An edge with routes to `app`; a certificate covers shop.example.com and *.wild.example.com. */
async function start(
  app: App,
  options: { readonly https?: EdgeHttps | undefined; readonly trusted?: boolean } = {},
): Promise<TestEdge> {
  const log = createLogger({ service: "frontline", level: "error", write: () => undefined });
  const clock = systemClock();
  const transport = createRouterTransport(({ service }) => {
    service(AcmeService, {
      verifyCertificate: ({ domain, token }) => {
        if (token !== "known") throw new ConnectError("unknown", Code.NotFound);
        return { authorization: `known.${domain}` };
      },
    });
  });
  const edge = new Edge({
    clock,
    log,
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts: () => options.trusted === true,
    namedDeployments: false,
    random: () => 0.5,
    https: "https" in options ? options.https : HTTPS,
    challenges: new Challenges({ client: createClient(AcmeService, transport), clock, log }),
  });
  const endpoint = { instanceId: "i", address: `127.0.0.1:${app.port}`, region: "here" };
  edge.table.apply({ kind: "apply_endpoints", deploymentId: "d", endpoints: [endpoint], protocol: "" }, 0);
  const hosts: Readonly<Record<string, string>> = {
    "shop.example.com": "",
    "a.wild.example.com": "",
    "bare.example.com": "",
    "old.example.com": "shop.example.com",
    "older.example.com": "bare.example.com",
  };
  for (const [hostname, redirectHostname] of Object.entries(hosts)) {
    const ids = { routeId: hostname, deploymentId: "d", environmentId: "e", workspaceId: "w" };
    edge.table.apply({
      kind: "apply_route",
      route: { ...ids, stopped: false, hostname, redirectHostname },
    }, 0);
  }
  edge.ready = true;
  for (const hostname of ["shop.example.com", "*.wild.example.com"]) {
    edge.certificates.apply({ certificateId: hostname, hostname, notAfterMs: 1n, ...(await pair()) });
  }
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  return { edge, port, [Symbol.asyncDispose]: () => edge.proxy.close(0) };
}

let made: Promise<{ readonly certificateChainPem: string; readonly privateKeyPem: string }> | undefined;

function pair(): NonNullable<typeof made> {
  return made ??= makePair();
}

async function makePair(): NonNullable<typeof made> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-edge-" });
  try {
    const files = await makeCertificate(folder, ["DNS:shop.example.com"]);
    return {
      certificateChainPem: await Deno.readTextFile(files.certificate),
      privateKeyPem: await Deno.readTextFile(files.privateKey),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The place that a request is sent to; "app" when the app gets it. */
async function place(port: number, app: App, request: string): Promise<string> {
  using wire = await Wire.connect(port);
  await wire.send(request);
  const answered = responseHead(wire);
  const got = app.request().then(async ({ wire: own }) => {
    await own.send("HTTP/1.1 200 OK\r\nConnection: close\r\nX-App: 1\r\nContent-Length: 0\r\n\r\n");
  });
  // The app of a redirect gets nothing, and is closed at the end of the test.
  got.catch(() => undefined);
  const { status, fields } = await answered;
  if (fields.includes("X-App: 1")) return "app";
  const location = fields.find((each) => each.startsWith("Location: "))?.slice("Location: ".length);
  return location === undefined ? status : `${status.split(" ")[1]} ${location}`;
}

interface Case {
  readonly name: string;
  readonly line: string;
  readonly host: string;
  readonly forwardedProto?: string;
  readonly trusted?: boolean;
  readonly https?: Partial<EdgeHttps> | "none";
  readonly want: string;
}

const CASES: readonly Case[] = [
  {
    name: "path and query stay as they are",
    line: "GET /a%2Fb/../c?q=1&r=%20#",
    host: "shop.example.com",
    want: "308 https://shop.example.com/a%2Fb/../c?q=1&r=%20#",
  },
  {
    name: "a path of two slashes names no other host",
    line: "GET //evil.example/x",
    host: "shop.example.com",
    want: "308 https://shop.example.com//evil.example/x",
  },
  {
    name: "every method, so that a body is sent again",
    line: "DELETE /x",
    host: "shop.example.com",
    want: "308 https://shop.example.com/x",
  },
  {
    name: "the port of http:// is left out",
    line: "GET /",
    host: "Shop.Example.com:7070",
    want: "308 https://shop.example.com/",
  },
  {
    name: "a port of https:// of its own",
    line: "GET /x",
    host: "shop.example.com:7070",
    https: { publicPort: 7443 },
    want: "308 https://shop.example.com:7443/x",
  },
  {
    name: "a wildcard covers the host",
    line: "GET /x",
    host: "a.wild.example.com",
    want: "308 https://a.wild.example.com/x",
  },
  { name: "no certificate: the app gets it", line: "GET /x", host: "bare.example.com", want: "app" },
  {
    name: "redirects are off",
    line: "GET /x",
    host: "shop.example.com",
    https: { redirects: false },
    want: "app",
  },
  { name: "TLS ends elsewhere", line: "GET /x", host: "shop.example.com", https: "none", want: "app" },
  { name: "OPTIONS * has no place", line: "OPTIONS *", host: "shop.example.com", want: "app" },
  {
    name: "a balancer says that the client used https",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "HTTPS",
    trusted: true,
    want: "app",
  },
  {
    name: "the first of a chain of balancers says that the client used https",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "https, http",
    trusted: true,
    want: "app",
  },
  {
    name: "the first of a chain of balancers says that the client used http",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "http,https",
    trusted: true,
    want: "308 https://shop.example.com/x",
  },
  {
    name: "a balancer says that a WebSocket came over TLS",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "wss",
    trusted: true,
    want: "app",
  },
  {
    name: "a balancer says that the client used http",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "http",
    trusted: true,
    want: "308 https://shop.example.com/x",
  },
  {
    name: "a client that only says so is not believed",
    line: "GET /x",
    host: "shop.example.com",
    forwardedProto: "https",
    want: "308 https://shop.example.com/x",
  },
  {
    name: "a path of challenges stays with http://",
    line: "GET /.well-known/acme-challenge/of_the_app",
    host: "shop.example.com",
    want: "app",
  },
  {
    name: "a path that is almost one of challenges does not",
    line: "GET /.well-known/acme-challenges/x",
    host: "shop.example.com",
    want: "308 https://shop.example.com/.well-known/acme-challenges/x",
  },
  {
    name: "another host that has a certificate, in one step",
    line: "GET /x?y",
    host: "old.example.com",
    want: "308 https://shop.example.com/x?y",
  },
  {
    name: "another host that has none, with the port of http://",
    line: "GET /x?y",
    host: "older.example.com:7070",
    want: "308 http://bare.example.com:7070/x?y",
  },
  {
    name: "another host, and redirects to https:// are off",
    line: "GET /x",
    host: "old.example.com",
    https: { redirects: false },
    want: "308 http://shop.example.com/x",
  },
  {
    name: "another host behind a balancer with TLS",
    line: "GET /x",
    host: "old.example.com:8443",
    forwardedProto: "https",
    trusted: true,
    https: "none",
    want: "308 https://shop.example.com/x",
  },
];

Deno.test("a request is redirected to the place where it belongs, or served", async (t) => {
  for (const { name, line, host, forwardedProto, trusted, https, want } of CASES) {
    await t.step(name, async () => {
      using app = new App();
      const own = https === "none" ? undefined : { ...HTTPS, ...https };
      await using edge = await start(app, { https: own, trusted: trusted === true });
      const proto = forwardedProto === undefined ? "" : `X-Forwarded-Proto: ${forwardedProto}\r\n`;
      assert.equal(await place(edge.port, app, `${line} HTTP/1.1\r\nHost: ${host}\r\n${proto}\r\n`), want);
    });
  }
});

Deno.test("a certificate turns redirects on when it comes, and off when it goes", async () => {
  using app = new App();
  await using started = await start(app);
  const request = "GET /x HTTP/1.1\r\nHost: bare.example.com\r\n\r\n";
  started.edge.certificates.apply({
    certificateId: "c",
    hostname: "bare.example.com",
    notAfterMs: 1n,
    ...(await pair()),
  });
  assert.equal(await place(started.port, app, request), "308 https://bare.example.com/x");
  started.edge.certificates.delete("c");
  using other = new App();
  const endpoint = { instanceId: "j", address: `127.0.0.1:${other.port}`, region: "here" };
  started.edge.table.apply({
    kind: "apply_endpoints",
    deploymentId: "d",
    endpoints: [endpoint],
    protocol: "",
  }, 0);
  assert.equal(await place(started.port, other, request), "app");
});

Deno.test("a challenge is answered on every host, also where there is no app, before any redirect", async (t) => {
  using app = new App();
  await using started = await start(app);
  for (const host of ["shop.example.com", "old.example.com", "new.example.org"]) {
    await t.step(host, async () => {
      using wire = await Wire.connect(started.port);
      await wire.send(`GET /.well-known/acme-challenge/known HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const { status, fields } = await responseHead(wire);
      assert.equal(status, "HTTP/1.1 200 OK");
      const body = `known.${host}`;
      assert.ok(fields.includes(`Content-Length: ${body.length}`), fields.join());
      assert.equal(await wire.exactly(body.length), body);
    });
  }
  await t.step("and an unknown one is a 404 where there is no app", async () => {
    using wire = await Wire.connect(started.port);
    await wire.send("GET /.well-known/acme-challenge/other HTTP/1.1\r\nHost: new.example.org\r\n\r\n");
    assert.equal((await responseHead(wire)).status, "HTTP/1.1 404 Not Found");
  });
});
