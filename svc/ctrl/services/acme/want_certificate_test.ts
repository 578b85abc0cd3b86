import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AcmeService } from "../../../../proto/gen/ctrl/v1/acme_pb.ts";
import { PLATFORM_WORKSPACE } from "../../internal/certificates/mod.ts";
import { findCertificateOrder } from "../../internal/store/mod.ts";
import { deployImage, eachRefused, startApi } from "../testing.ts";
import { route } from "../testing_agents.ts";

Deno.test("an edge orders certificates of deployments' names, and of no other names", async (t) => {
  await using api = await startApi({ defaultDomain: "apps.test" });
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const named = ["shop-acme.apps.test", "shop.example.com", "a.b.apps.test"];
  for (const hostname of named) await route(api, tenant, hostname, id);
  const edge = api.client(AcmeService, await api.regionToken("*"));
  const cases: readonly (readonly [name: string, hostname: string, ordered: boolean])[] = [
    ["a deployment's name", "shop-acme.apps.test", true],
    ["the same in upper case", "Shop-Acme.Apps.Test", true],
    ["a user's own domain", "shop.example.com", false],
    ["two labels below the domain", "a.b.apps.test", false],
    ["a name without a route", "unknown.apps.test", false],
    ["a wildcard", "*.apps.test", false],
    ["the domain itself", "apps.test", false],
    ["a name that ends alike", "shop-acmeapps.test", false],
  ];
  for (const [name, hostname, ordered] of cases) {
    await t.step(name, async () => {
      assert.equal((await edge.wantCertificate({ hostname })).ordered, ordered);
    });
  }
  const orders = await api.db.kysely.selectFrom("certificate_orders").select("hostname").execute();
  assert.deepEqual(orders, [{ hostname: "shop-acme.apps.test" }]);
  const order = await findCertificateOrder(api.db.kysely, "shop-acme.apps.test");
  assert.deepEqual([order?.workspace_id, order?.challenge_type], [PLATFORM_WORKSPACE, "http-01"]);
  const agent = api.client(AcmeService, await api.regionToken("local.dev"));
  await eachRefused(t, [
    ["no name", () => edge.wantCertificate({}), Code.InvalidArgument, /hostname/],
    ["no host name", () => edge.wantCertificate({ hostname: "a/b" }), Code.InvalidArgument, /hostname/],
    ["an agent", () => agent.wantCertificate({ hostname: "x.apps.test" }), Code.PermissionDenied, /edge/],
  ]);
});
