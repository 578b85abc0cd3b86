/** HTTPS as a visitor has it: a real authority, worker, api and edge, and a chain that verifies. */
import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { setRenewal } from "../../svc/ctrl/internal/store/mod.ts";
import { Part } from "../testbed/process.ts";
import { eventually } from "../testbed/wait.ts";
import { CertificateBed } from "./certificate_bed.ts";
import { getOver, handshake, plainGet, startEdge } from "./tls_edge.ts";

const HOST = "shop.example.com";

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
        open = await handshake(edge.httpsPort, root, HOST).catch(() => undefined);
        return open !== undefined;
      });
      assert.ok(open);
      // No app belongs to the name yet: the edge itself answers.
      assert.match(await getOver(open, HOST), /^HTTP\/1\.1 404 /);
      open.destroy();
      const { status, location } = await plainGet(bed.httpPort, HOST, "/a?b=1");
      assert.equal(status, 308);
      assert.match(location, new RegExp(`^https://${HOST}(?::\\d+)?/a\\?b=1$`));
    });

    await t.step("a name without a certificate is refused in the handshake", async () => {
      await assert.rejects(handshake(edge.httpsPort, root, "unknown.example.com"));
    });

    await t.step("a renewed certificate is used for new connections, and open ones go on", async () => {
      const before = await handshake(edge.httpsPort, root, HOST);
      const former = before.getPeerCertificate().serialNumber;
      // The first look takes the authority's advice, which would come before the time that is set here.
      await bed.renew();
      const certificate = await bed.issued(HOST);
      await setRenewal(bed.worker.db.kysely, certificate, { renew_at: 1 });
      await bed.renew();
      await eventually("the renewed certificate", async () => {
        const socket = await handshake(edge.httpsPort, root, HOST);
        const { serialNumber } = socket.getPeerCertificate();
        socket.destroy();
        return serialNumber !== former;
      });
      assert.match(await getOver(before, HOST), /^HTTP\/1\.1 404 /);
      before.destroy();
    });
  },
});
