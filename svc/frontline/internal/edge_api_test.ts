/** The control plane's api behind an edge, and certificates that come with the first visit. */
import assert from "node:assert/strict";
import { connect } from "node:tls";
import { once } from "node:events";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { LIMITS } from "../../../pkg/proxy/mod.ts";
import { App, responseHead, Wire } from "../../../pkg/proxy/testing_wire.ts";
import { makeCertificate } from "../../../pkg/testkit/certificate.ts";
import { freePort } from "../../../pkg/testkit/ports.ts";
import { Edge } from "./edge.ts";

const API = "api.apps.test";
const SHOP = "shop.apps.test";

function startEdge(apiPort: number, onWant: (host: string) => void) {
  const edge = new Edge({
    clock: systemClock(),
    log: createLogger({ service: "frontline", level: "error", write: () => undefined }),
    region: "here",
    limits: { ...LIMITS, lingerMsMax: 100 },
    trusts: () => false,
    namedDeployments: false,
    random: () => 0.5,
    https: { publicPort: 443, redirects: true, strictTransport: undefined },
    api: { host: API, upstream: { key: "control-plane", host: "127.0.0.1", port: apiPort } },
    wants: {
      wantCertificate({ hostname = "" }) {
        onWant(hostname);
        return Promise.resolve({ $typeName: "ctrl.v1.WantCertificateResponse", ordered: true });
      },
    },
  });
  const ids = { routeId: "r", deploymentId: "d", environmentId: "e", workspaceId: "w", stopped: false };
  edge.table.apply({ kind: "apply_route", route: { ...ids, hostname: SHOP, redirectHostname: "" } }, 0);
  edge.ready = true;
  return edge;
}

Deno.test("requests for the api's host go to the control plane, whatever routes there are", async () => {
  using app = new App();
  const edge = startEdge(app.port, () => undefined);
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  try {
    using wire = await Wire.connect(port);
    await wire.send(`GET /health/ready HTTP/1.1\r\nHost: ${API}\r\n\r\n`);
    const { head, wire: own } = await app.request();
    assert.match(head, /^GET \/health\/ready HTTP\/1\.1\r\n/);
    await own.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert.equal((await responseHead(wire)).status, "HTTP/1.1 200 OK");
  } finally {
    await edge.proxy.close(0);
  }
});

Deno.test("a control plane that is away has a text of its own", async () => {
  const edge = startEdge(freePort(), () => undefined);
  const port = await edge.proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
  try {
    using wire = await Wire.connect(port);
    await wire.send(`GET / HTTP/1.1\r\nHost: ${API}\r\n\r\n`);
    assert.match((await responseHead(wire)).status, /^HTTP\/1\.1 503 /);
  } finally {
    await edge.proxy.close(0);
  }
});

Deno.test("the first handshake for a host waits for the certificate that it orders", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-edge-" });
  const wanted: string[] = [];
  const edge = startEdge(freePort(), (host) => wanted.push(host));
  try {
    const files = await makeCertificate(folder, [`DNS:${SHOP}`]);
    const [certificateChainPem, privateKeyPem, authority] = await Promise.all(
      [files.certificate, files.privateKey, files.authority].map((path) => Deno.readTextFile(path)),
    );
    const port = await edge.proxy.listen({
      host: "127.0.0.1",
      port: 0,
      portSetting: "--https-port",
      tls: { contextOf: (name) => edge.contextOf(name) },
    });
    const first = connect({ host: "127.0.0.1", port, servername: SHOP, ca: authority });
    const shaken = once(first, "secureConnect");
    while (wanted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const certificate = { certificateId: "c", hostname: SHOP, notAfterMs: 1n };
    edge.certificates.apply({
      ...certificate,
      certificateChainPem: certificateChainPem ?? "",
      privateKeyPem: privateKeyPem ?? "",
    });
    await shaken;
    assert.ok(first.authorized);
    first.destroy();

    const stranger = connect({ host: "127.0.0.1", port, servername: "stranger.apps.test", ca: authority });
    await assert.rejects(once(stranger, "secureConnect"));
    assert.deepEqual(wanted, [SHOP]);
  } finally {
    await edge.proxy.close(0);
    await Deno.remove(folder, { recursive: true });
  }
});
