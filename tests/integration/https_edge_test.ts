/** HTTPS as a visitor has it: a real authority, worker, api and edge, and a chain that verifies. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type TLSSocket } from "node:tls";
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { setRenewal } from "../../svc/ctrl/internal/store/mod.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { runFrontline } from "../../svc/frontline/run.ts";
import { Part } from "../testbed/process.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { CertificateBed } from "./certificate_bed.ts";

const HOST = "shop.example.com";

/** An edge on the port that the authority asks, with HTTPS beside it. */
async function startEdge(bed: CertificateBed) {
  const httpsPort = freePort();
  const stop = new AbortController();
  const config = loadConfig(FRONTLINE_FIELDS, {
    flags: new Map(Object.entries({
      "control-plane-url": bed.api.url,
      region: "local.dev",
      "http-host": "127.0.0.1",
      "http-port": String(bed.httpPort),
      "https-port": String(httpsPort),
      "stop-delay-ms": "0",
    })),
    env: (name) => name === "UNKEY_CONTROL_PLANE_BEARER" ? bed.edgeToken : undefined,
    readFile: () => "",
  });
  const ready = Promise.withResolvers<void>();
  const ended = runFrontline(config, {
    log: silentLogger(),
    clock: systemClock(),
    signal: stop.signal,
    onReady: () => ready.resolve(),
  });
  await Promise.race([ready.promise, ended]);
  return {
    httpsPort,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** A connection to the edge that trusts nothing but the authority; rejects when the chain does not verify. */
async function handshake(port: number, ca: string, servername = HOST): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, servername, ca });
  await once(socket, "secureConnect");
  assert.ok(socket.authorized);
  return socket;
}

async function get(socket: TLSSocket): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  const [chunk] = await once(socket, "data");
  return String(chunk);
}

/** By `node:http`, since `fetch` names the host that it asks. */
async function plainGet(port: number, path: string) {
  const asked = request({ host: "127.0.0.1", port, path, headers: { host: HOST }, agent: false });
  asked.end();
  const [answer]: IncomingMessage[] = await once(asked, "response");
  answer?.resume();
  return { status: answer?.statusCode, location: answer?.headers.location ?? "" };
}

Deno.test({
  name: "a name gets its certificate through the edge, is served with it, and with the renewed one at once",
  ignore: !hasPebble() || !hasKnot(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using bed = await CertificateBed.start({ worker: (part) => new Part(part), ownEdge: true });
    await using edge = await startEdge(bed);
    const root = await bed.pebble.root();

    await t.step("the authority's question is answered for a host without a route", async () => {
      await bed.request(HOST);
      await bed.issued(HOST);
    });

    await t.step("the chain verifies, and HTTP leads to HTTPS", async () => {
      let open: TLSSocket | undefined;
      await eventually("the certificate at the edge", async () => {
        open = await handshake(edge.httpsPort, root).catch(() => undefined);
        return open !== undefined;
      });
      assert.ok(open);
      // No app belongs to the name yet: the edge itself answers.
      assert.match(await get(open), /^HTTP\/1\.1 404 /);
      open.destroy();
      const { status, location } = await plainGet(bed.httpPort, "/a?b=1");
      assert.equal(status, 308);
      assert.match(location, new RegExp(`^https://${HOST}(?::\\d+)?/a\\?b=1$`));
    });

    await t.step("a name without a certificate is refused in the handshake", async () => {
      await assert.rejects(handshake(edge.httpsPort, root, "unknown.example.com"));
    });

    await t.step("a renewed certificate is used for new connections, and open ones go on", async () => {
      const before = await handshake(edge.httpsPort, root);
      const former = before.getPeerCertificate().serialNumber;
      // The first look takes the authority's advice, which would come before the time that is set here.
      await bed.renew();
      const certificate = await bed.issued(HOST);
      await setRenewal(bed.worker.db.kysely, certificate, { renew_at: 1 });
      await bed.renew();
      await eventually("the renewed certificate", async () => {
        const socket = await handshake(edge.httpsPort, root);
        const { serialNumber } = socket.getPeerCertificate();
        socket.destroy();
        return serialNumber !== former;
      });
      assert.match(await get(before), /^HTTP\/1\.1 404 /);
      before.destroy();
    });
  },
});
