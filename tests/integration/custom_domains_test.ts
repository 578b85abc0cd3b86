/** A name of one's own, from `unkey domains add` to its removal: real DNS, authority, workflows, api and edge. */
import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { unkey } from "../../cmd/shared/testing.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { hasKnot } from "../../pkg/testkit/knot.ts";
import { hasPebble } from "../../pkg/testkit/pebble.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { findCustomDomain } from "../../svc/ctrl/internal/store/mod.ts";
import { SERVICE_TOKEN } from "../../svc/ctrl/services/testing.ts";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { Part } from "../testbed/process.ts";
import { eventually } from "../testbed/wait.ts";
import { CertificateBed } from "./certificate_bed.ts";
import { getOver, handshake, plainGet, startEdge } from "./tls_edge.ts";

const SHOP = "shop.example.com";
const WWW = "www.shop.example.com";

/** The program, as a user of the bed's workspace calls it. */
async function user(bed: CertificateBed) {
  const { workspaceId } = bed.worker.seed;
  const admin = bed.api.client(AdminService, SERVICE_TOKEN);
  const { key } = await admin.createRootKey({ workspaceId, permissions: ["*"] });
  const env = { UNKEY_API_BASE_URL: bed.api.url, UNKEY_ROOT_KEY: key, UNKEY_PROJECT: "shop" };
  return async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await unkey(["domains", ...args], { env, clock: systemClock() });
    assert.equal(code, 0, stderr);
    return stdout;
  };
}

/** The record that the program asks for, set at the test's name server. */
async function setWanted(bed: CertificateBed, shown: string): Promise<void> {
  const { records } = JSON.parse(shown);
  const { type, name, value } = records[0];
  await bed.knot.set("example.com", name, type, type === "CNAME" ? `${value}.` : value);
}

Deno.test({
  name: "a name is added, proven, gets its certificate, serves, redirects, and is gone when it is removed",
  ignore: !hasPebble() || !hasKnot(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using app = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      (request) => new Response(`app at ${new URL(request.url).hostname}`),
    );
    await using bed = await CertificateBed.start({ worker: (part) => new Part(part), ownEdge: true });
    await using edge = await startEdge(bed);
    const root = await bed.pebble.root();
    const domains = await user(bed);
    bed.worker.behaviour = () => [instanceReport({ address: `127.0.0.1:${app.addr.port}` })];
    const deploy = async (): Promise<void> => {
      const id = await bed.worker.create();
      await bed.worker.workflows.submitDeploy(id);
      await bed.worker.until(id, "ready");
    };
    const served = async (host: string): Promise<string> => {
      let open: TLSSocket | undefined;
      await eventually(`https://${host}`, async () => {
        open = await handshake(edge.httpsPort, root, host).catch(() => undefined);
        return open !== undefined;
      });
      assert.ok(open);
      const answer = await getOver(open, host, "/a?b=1");
      open.destroy();
      return answer;
    };

    await t.step("the record to set is said, and so is what is there instead", async () => {
      const added = await domains("add", SHOP);
      assert.match(added, /CNAME +shop\.example\.com +[a-z0-9]{20}\.cname\.example\.com\n/);
      assert.match(await domains("verify", SHOP), /leads to 127\.0\.0\.1|by addresses/);
    });

    await t.step("the record proves it, and its certificate comes before there is a deployment", async () => {
      await setWanted(bed, await domains("verify", SHOP, "--json"));
      const seen = JSON.parse(await domains("verify", SHOP, "--wait-for", "2m", "--json"));
      assert.deepEqual([seen.status, seen.proof, seen.reaches], ["verified", "cname", true]);
      assert.ok(seen.certificate.notAfter > Date.now());
      assert.match(await served(SHOP), /^HTTP\/1\.1 404 /);
    });

    await t.step("the live deployment answers, and the next one after it", async () => {
      await deploy();
      await eventually("the app's answer", async () => /app at shop\.example\.com/.test(await served(SHOP)));
      await deploy();
      assert.match(await served(SHOP), /app at shop\.example\.com/);
      const { status, location } = await plainGet(bed.httpPort, SHOP, "/a?b=1");
      assert.equal(status, 308);
      assert.match(location, /^https:\/\/shop\.example\.com(?::\d+)?\/a\?b=1$/);
    });

    await t.step("another name is redirected with path and query", async () => {
      await domains("add", WWW, "--redirect-to", SHOP);
      await setWanted(bed, await domains("verify", WWW, "--json"));
      await domains("verify", WWW, "--wait-for", "2m");
      const answer = await served(WWW);
      assert.match(answer, /^HTTP\/1\.1 308 /);
      assert.match(answer, /location: https:\/\/shop\.example\.com(?::\d+)?\/a\?b=1\r\n/i);
      await domains("set", WWW, "--serve");
      await eventually("the app's answer", async () => /app at www\./.test(await served(WWW)));
    });

    await t.step("what is removed leaves no route, certificate or order", async () => {
      await domains("remove", SHOP, "--yes");
      await eventually("the refused handshake", async () => {
        const socket = await handshake(edge.httpsPort, root, SHOP).catch(() => undefined);
        socket?.destroy();
        return socket === undefined;
      });
      assert.equal((await plainGet(bed.httpPort, SHOP, "/")).status, 404);
      await eventually("the end of the order", async () => await bed.order(SHOP) === undefined);
      assert.equal(await bed.certificate(SHOP), undefined);
      const { workspaceId } = bed.worker.seed;
      assert.equal(await findCustomDomain(bed.api.db.kysely, { workspaceId, hostname: SHOP }), undefined);
      const left = JSON.parse(await domains("list", "--json"));
      assert.deepEqual(left.domains.map((each: { domain: string }) => each.domain), [WWW]);
    });
  },
});
